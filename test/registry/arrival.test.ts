// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { Arrival } from "../../provider/registry/transport/arrival";

/** A dispatcher of one response, that can be looked at. */
class Sender {
  paused = 0;
  resumed = 0;
  aborted: Error | undefined;
  ended = 0;
  received = 0;
  readonly arrival = new Arrival({
    received: (bytes) => void (this.received += bytes),
    explain: (error) => new Error(`explained: ${(error as Error).message}`),
    ended: () => void (this.ended += 1),
  });

  constructor(start = true) {
    if (start) this.begin();
  }

  begin(): void {
    this.arrival.onRequestStart(this);
  }

  head(status = 200, headers: Record<string, string | string[]> = {}): void {
    this.arrival.onResponseStart(this, status, headers);
  }

  data(size: number): void {
    this.arrival.onResponseData(this, Buffer.alloc(size, 1));
  }

  end(): void {
    this.arrival.onResponseEnd();
  }

  pause(): void {
    this.paused += 1;
  }

  resume(): void {
    this.resumed += 1;
  }

  abort(reason: Error): void {
    this.aborted = reason;
    this.arrival.onResponseError(this, reason);
  }
}

test("a head that comes before the answer's own is passed over, and repeated fields are joined", async () => {
  const sender = new Sender();
  sender.head(103, { link: "x" });
  sender.head(200, { link: ["<a>", "<b>"], "content-type": "text/plain" });
  const { status, headers } = await sender.arrival.head;
  assert.equal(status, 200);
  assert.equal(headers.get("link"), "<a>, <b>");
  assert.equal(headers.has("constructor"), false);
});

test("who is slow to read holds the sender back, and gets everything", async () => {
  const sender = new Sender();
  sender.head();
  for (let n = 0; n < 8; n += 1) sender.data(64 * 1024);
  assert.ok(sender.paused > 0);
  assert.equal(sender.resumed, 0);
  sender.end();
  let size = 0;
  for await (const chunk of sender.arrival) size += chunk.byteLength;
  assert.equal(size, 8 * 64 * 1024);
  assert.equal(sender.received, size);
  assert.equal(sender.resumed, 1);
  assert.equal(sender.ended, 1);
});

test("a body is read whole up to its bound, and not past it", async () => {
  const small = new Sender();
  small.head();
  small.data(5);
  small.data(5);
  small.end();
  assert.equal((await small.arrival.bytes(10))?.byteLength, 10);
  const large = new Sender();
  large.head();
  large.data(11);
  assert.equal(await large.arrival.bytes(10), undefined);
  assert.ok(large.aborted);
});

test("a body that breaks off gives what came, then the explained failure", async () => {
  const sender = new Sender();
  sender.head();
  sender.data(3);
  sender.arrival.onResponseError(sender, new Error("reset"));
  const seen: number[] = [];
  await assert.rejects(async () => {
    for await (const chunk of sender.arrival) seen.push(chunk.byteLength);
  }, /explained: reset/);
  assert.deepEqual(seen, [3]);
  await assert.rejects(sender.arrival.bytes(10), /explained: reset/);
});

test("what nobody wants is let in as far as is cheap", async () => {
  const short = new Sender();
  short.head();
  short.data(1000);
  const over = short.arrival.discard();
  short.data(1000);
  short.end();
  await over;
  assert.equal(short.aborted, undefined);
  const long = new Sender();
  long.head();
  const given = long.arrival.discard();
  long.data(64 * 1024 + 1);
  await given;
  assert.ok(long.aborted);
});

test("a reader that leaves early ends the response", async () => {
  const sender = new Sender();
  sender.head();
  sender.data(10);
  for await (const chunk of sender.arrival) {
    assert.equal(chunk.byteLength, 10);
    break;
  }
  assert.ok(sender.aborted);
  assert.equal(sender.ended, 1);
});

test("what is given up before it begins fails at once, and is ended when it begins", async () => {
  const sender = new Sender(false);
  sender.arrival.stop(new Error("the deadline has passed"));
  await assert.rejects(sender.arrival.head, /explained: the deadline has passed/);
  sender.begin();
  assert.ok(sender.aborted);
  assert.equal(sender.ended, 1);
});
