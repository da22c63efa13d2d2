// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { UNKNOWN } from "../../provider/protocol/unknowns";
import type { Descriptor } from "../../provider/oci/descriptor";
import { mirror } from "../../provider/mirror/mirror";
import type { Properties } from "../../provider/world/reconciler";
import { verification } from "../../provider/verification/verification";
import { Life, Refused } from "../harness/life";
import {
  claim,
  MemoryStores,
  publish,
  quickParty,
  trustOf,
  type Party,
} from "../harness/memory-world";
import { failsWith } from "../harness/failure";

const wabbit = quickParty("Wabbit Networks");
const acme = quickParty("ACME Rockets");
const stranger = quickParty("Stranger");

const FROM = "registry.example/wabbit/app";
const TO = "registry.example/acme/app";
const FURTHER = "edge.example/acme/app";
const WABBIT = "x509.subject: C=US, ST=WA, O=Wabbit Networks";
const REVOKED =
  "unmet: not revoked: revoked by CN=Wabbit Networks Signing,O=Wabbit Networks,ST=WA,C=US: CVE-2026-2000";

/** A mirror that is in step, and a gate at its destination that is content. */
class World {
  readonly stores = new MemoryStores();
  readonly source = this.stores.at(FROM);
  readonly to = this.stores.at(TO);
  readonly mirror = this.#life(mirror);
  readonly gate = this.#life(verification);

  #life(kind: typeof mirror | typeof verification): Life {
    return new Life(kind, {
      folder: "/nonexistent",
      world: { stores: this.stores },
    });
  }

  constructor(readonly selection: Properties = {}) {}

  async arrange(): Promise<Descriptor> {
    const artifact = await publish(this.source, "v1", wabbit, "v1");
    await this.mirror.up(this.mirrored());
    await this.gate.up(this.gated());
    assert.equal(this.gate.outputs["reference"], `${TO}@${artifact.digest}`);
    return artifact;
  }

  mirrored(): Properties {
    return { source: FROM, destinations: [TO], ...this.selection };
  }

  gated(more: Properties = {}): Properties {
    return {
      artifact: `${TO}:v1`,
      trust: trustOf(wabbit, acme),
      lifecycleIssuers: { revocation: [WABBIT], redirect: [WABBIT] },
      ...more,
    };
  }

  /** One preview of both, as the engine makes it: the gate is given what the mirror has planned. */
  async preview(more: Properties = {}): Promise<Properties> {
    const { planned, op } = await this.mirror.preview(this.mirrored());
    const arrival = {
      mirror: { sources: [FROM], destinations: [TO], plan: planned["plan"] },
      mirrorReady: op === "same" ? true : UNKNOWN,
    };
    return (await this.gate.preview(this.gated({ ...arrival, ...more }))).planned;
  }

  async says(
    artifact: Descriptor,
    type: string,
    predicate: unknown,
    by: Party | null = wabbit,
  ): Promise<void> {
    await claim(this.source, { type, subject: artifact, predicate, audience: "public" }, by);
  }
}

const lifecycle = (planned: Properties): Record<string, string> =>
  (planned["verdict"] as { requirements: Record<string, string> }).requirements;
const revokes = ({ digest }: Descriptor, more: object = {}): object => ({
  target: digest,
  reason: "CVE-2026-2000",
  ...more,
});

describe("a verification that is told of the mirror that fills its place", () => {
  test("shows the revocation in the preview in which the mirror first shows it, and the same verdict once it has arrived", async () => {
    const world = new World();
    const artifact = await world.arrange();
    assert.equal((await world.preview())["reference"], `${TO}@${artifact.digest}`);
    await world.says(artifact, "revocation", revokes(artifact));
    const without = (await world.gate.preview(world.gated())).planned;
    assert.equal(
      without["reference"],
      `${TO}@${artifact.digest}`,
      "without the mirror the preview knows what is there",
    );
    const planned = await world.preview();
    assert.deepEqual(
      [planned["reference"], lifecycle(planned)],
      [undefined, { "lifecycle.revocation": REVOKED }],
    );
    assert.match(
      world.gate.warnings.join(),
      /is not verified: lifecycle\.revocation: unmet: not revoked: revoked by .*Wabbit/,
    );
    assert.deepEqual(
      [planned["mirror"], planned["mirrorReady"]],
      [undefined, undefined],
      "it is not recorded",
    );
    assert.deepEqual((await world.to.referrers(artifact.digest)).length, 1, "nothing was written");
    await world.mirror.up(world.mirrored());
    const arrived = (await world.gate.preview(world.gated())).planned;
    assert.deepEqual([arrived["reference"], arrived["verdict"]], [undefined, planned["verdict"]]);
    await assert.rejects(world.gate.up(world.gated()), failsWith("VERIFICATION_UNMET"));
  });

  test("tells ahead of an end of life that has passed, and of a redirect where those are followed", async () => {
    const ended = new World();
    const old = await ended.arrange();
    await ended.says(old, "endOfLife", { date: "2020-01-01" });
    assert.match(
      lifecycle(await ended.preview())["lifecycle.endOfLife"] ?? "",
      /^unmet: not past its end of life: reached its end of life on 2020-01-01$/,
    );

    const moved = new World();
    const artifact = await moved.arrange();
    await moved.says(artifact, "redirect", { to: `${FURTHER}:v1` });
    assert.equal(
      (await moved.preview())["reference"],
      `${TO}@${artifact.digest}`,
      "who does not follow is warned",
    );
    assert.match(moved.gate.warnings.join(), /points to edge\.example\/acme\/app:v1 instead/);
    const following = await moved.preview({ followRedirects: "verify" });
    assert.equal(following["reference"], undefined);
    assert.match(
      lifecycle(following)["lifecycle.redirect"] ?? "",
      /^unmet: redirects are followed: .* points to edge\.example\/acme\/app:v1 instead; that is about to arrive, and is followed once it has$/,
    );
  });

  test("believes what is about to come no more than anything else, and only what comes", async () => {
    const world = new World();
    const artifact = await world.arrange();
    for (const [index, by] of [acme, stranger, null].entries())
      await world.says(
        artifact,
        "revocation",
        revokes(artifact, { reason: `sabotage ${index}` }),
        by,
      );
    assert.deepEqual(lifecycle(await world.preview()), {});

    const choosy = new World({ claims: { excludeTypes: ["revocation"] } });
    const kept = await choosy.arrange();
    await choosy.says(kept, "revocation", revokes(kept));
    await choosy.says(kept, "test-result", { result: "PASSED", configuration: [] });
    assert.deepEqual(lifecycle(await choosy.preview()), {}, "the mirror leaves revocations behind");
  });

  test("is not helped by what is about to come: a claim that is required, a revocation that is taken back", async () => {
    const world = new World();
    const artifact = await world.arrange();
    await world.says(artifact, "test-result", {
      result: "PASSED",
      configuration: [{ name: "unit" }],
    });
    const asking = { require: [{ type: "test-result" }] };
    assert.match(lifecycle(await world.preview(asking))["require[0]"] ?? "", /^unmet: /);
    await world.mirror.up(world.mirrored());
    assert.deepEqual(lifecycle(await world.preview(asking)), { "require[0]": "met" });

    await world.says(artifact, "revocation", revokes(artifact));
    await world.mirror.up(world.mirrored());
    const revocation = (
      await claim(
        world.source,
        { type: "revocation", subject: artifact, predicate: revokes(artifact), audience: "public" },
        null,
      )
    ).manifest.descriptor;
    await claim(
      world.source,
      {
        type: "revocation",
        subject: revocation,
        predicate: { target: revocation.digest, reason: "a mistake" },
        audience: "public",
      },
      wabbit,
    );
    assert.deepEqual(lifecycle(await world.preview()), { "lifecycle.revocation": REVOKED });
    await world.mirror.up(world.mirrored());
    assert.deepEqual(lifecycle(await world.preview()), {});
  });

  test("looks further up where mirrors feed each other, and into a plan that is only a summary", async () => {
    const world = new World();
    const artifact = await world.arrange();
    await world.says(artifact, "revocation", revokes(artifact));
    const plan = (await world.mirror.preview(world.mirrored())).planned["plan"];
    const edge = {
      mirror: { sources: ["unfilled.example/acme/app", FROM], destinations: [TO], plan },
      mirrorReady: UNKNOWN,
    };
    assert.deepEqual(lifecycle((await world.gate.preview(world.gated(edge))).planned), {
      "lifecycle.revocation": REVOKED,
    });

    const large = new World({ summarizeAbove: 0 });
    const one = await large.arrange();
    await large.says(one, "revocation", revokes(one));
    assert.deepEqual(lifecycle(await large.preview()), { "lifecycle.revocation": REVOKED });
  });

  test("refuses a mirror that fills another place", async () => {
    const world = new World();
    await world.arrange();
    const { plan } = world.mirror.outputs;
    const elsewhere = world.gated({
      mirror: { sources: [FROM], destinations: [FURTHER], plan },
      mirrorReady: true,
    });
    await assert.rejects(
      world.gate.preview(elsewhere),
      (error) =>
        error instanceof Refused &&
        error.failures[0]?.property === "mirror" &&
        /does not fill registry\.example\/acme\/app; it fills edge\.example\/acme\/app \[INPUT_INVALID\]/.test(
          error.failures[0].reason,
        ),
    );
  });
});
