// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { survey } from "../../../provider/graph/index";
import type { Manifest } from "../../../provider/oci/manifest";
import type { Gate } from "../../harness/proxy";
import { registryMissing } from "../../harness/registries";
import { pushImage, pushReferrer, pushSampleGraph } from "../../harness/artifacts";
import { MirrorStack } from "../stack";
import { World } from "../world";

test(
  "four mirrors write referrers of one artifact to one repository with fallback tags at once, and none is lost",
  { skip: registryMissing("ggcr", "distribution") },
  async (context) => {
    const world = new World(context);
    const source = await world.registry("ggcr");
    const destination = await world.registry("distribution");
    const image = await pushImage(world.repository(source, "m/0"), { tag: "v1" });
    const pushed: Manifest[] = [];
    for (let mirror = 0; mirror < 4; mirror++) {
      const origin = world.repository(source, `m/${mirror}`);
      await pushImage(origin, { tag: "v1" });
      for (let n = 0; n < 6; n++)
        pushed.push(await pushReferrer(origin, image.descriptor, { content: `${mirror} ${n}` }));
    }
    const stacks = Array.from({ length: 4 }, () => new MirrorStack());
    await Promise.all(
      stacks.map((stack, at) =>
        stack.up({
          source: `${source.host}/m/${at}`,
          destinations: [`${destination.host}/c/d`],
          onConflict: "overwrite",
        }),
      ),
    );
    const listed = new Set(
      (await world.repository(destination, "c/d").referrers(image.descriptor.digest)).map(
        ({ digest }) => digest,
      ),
    );
    assert.deepEqual(
      pushed.filter(({ descriptor }) => !listed.has(descriptor.digest)),
      [],
    );
    assert.equal(listed.size, 24);
    for (const stack of stacks) assert.deepEqual(await stack.refresh(), {});
  },
);

/**
 * Takes every fifth manifest and loses it, as olareg does with some of those that come at once;
 * says which.
 */
function losing(): { gate: Gate; lost: ReadonlySet<string> } {
  let seen = 0;
  const lost = new Set<string>();
  const gate: Gate = async (request, response) => {
    const digest =
      request.method === "PUT"
        ? /\/manifests\/(sha256:[0-9a-f]{64})$/.exec(request.url ?? "")?.[1]
        : undefined;
    if (digest === undefined || ++seen % 5 !== 0) return false;
    lost.add(digest);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { subject } = JSON.parse(Buffer.concat(chunks).toString()) as {
      subject?: { digest: string };
    };
    response.writeHead(201, {
      location: request.url ?? "",
      "docker-content-digest": digest,
      ...(subject === undefined ? {} : { "oci-subject": subject.digest }),
    });
    response.end();
    return true;
  };
  return { gate, lost };
}

test(
  "a registry that drops writes ends complete, with the repairs counted",
  { skip: registryMissing("ggcr", "olareg") },
  async (context) => {
    const world = new World(context);
    const source = await world.registry("ggcr");
    const { gate, lost } = losing();
    const destination = await world.registry("olareg", { storage: "dir", gates: [gate] });
    const origin = world.repository(source, "a/b");
    for (let n = 0; n < 12; n++) {
      const image = await pushImage(origin, { tag: `v${n}`, layers: [`${n}`] });
      for (let m = 0; m < 6; m++)
        await pushReferrer(origin, image.descriptor, { content: `${n} ${m}` });
    }
    const stack = new MirrorStack();
    const step = await stack.up({
      source: `${source.host}/a/b`,
      destinations: [`${destination.host}/c/d`],
    });
    const place = world.repository(destination, "c/d");
    for (let n = 0; n < 12; n++) {
      const here = await survey(origin, await origin.resolve(`v${n}`));
      const there = await survey(place, await place.resolve(`v${n}`));
      assert.deepEqual([...there.read.keys()].sort(), [...here.read.keys()].sort());
    }
    const repaired = Number(
      /(\d+) manifests that it took and did not have were sent again/.exec(
        step.progress.join("; "),
      )?.[1] ?? 0,
    );
    context.diagnostic(
      `${lost.size} manifests were dropped by the way, and ${repaired} of those that were lost written again: ${step.progress.join("; ")}`,
    );
    assert.ok(
      lost.size > 10 && repaired >= lost.size,
      "each that was lost is counted; olareg loses some of its own accord",
    );
    assert.deepEqual(await stack.refresh(), {});
  },
);

test(
  "a quota's window is waited for, in full, by everything at once",
  { skip: registryMissing("ggcr") },
  async (context) => {
    const world = new World(context);
    const source = await world.registry("ggcr");
    const windowMs = 2_000;
    let closedUntil = 0;
    let taken = 0;
    let refused = 0;
    const quota = (
      _request: unknown,
      response: {
        writeHead: (status: number, headers: Record<string, string>) => void;
        end: () => void;
      },
    ): boolean => {
      const now = Date.now();
      if (now >= closedUntil && closedUntil !== 0) [closedUntil, taken] = [0, 0];
      if (closedUntil === 0 && taken++ < 12) return false;
      if (closedUntil === 0) closedUntil = now + windowMs;
      refused++;
      response.writeHead(429, { "retry-after": String(Math.ceil((closedUntil - now) / 1000)) });
      response.end();
      return true;
    };
    const destination = await world.registry("ggcr", { gates: [quota] });
    const graph = await pushSampleGraph(world.repository(source, "a/b"));
    const began = Date.now();
    const stack = new MirrorStack();
    await stack.up({ source: `${source.host}/a/b`, destinations: [`${destination.host}/c/d`] });
    assert.ok(Date.now() - began >= windowMs && refused > 0);
    assert.ok(refused < 40, `${refused} requests were made in vain`);
    for (const { descriptor } of graph.all)
      assert.equal(await world.repository(destination, "c/d").has(descriptor), true);
  },
);
