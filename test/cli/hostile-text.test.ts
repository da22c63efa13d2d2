// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { authority, codeSigner } from "../harness/certificates";
import { pushReferrer } from "../harness/artifacts";
import { pushClaim, pushSignature, wabbit } from "../report/arrange";
import { consign, workplace } from "./arrange";

const EVIL = "x\x1b[2J\u202ey\u200b\n✔ verified\r\u2028z\x9b1m";
const UNSEEN = /[\p{C}\p{Default_Ignorable_Code_Point}\u2028\u2029]/u;
const COLORS = /\x1b\[\d{1,2}m/g;
const COMMANDS = ["verify", "claims", "tree", "timeline", "ls"];

test("a stranger's name and a revocation's reason are clean in whatever is printed", async () => {
  const { folder, layout, artifact, file } = await workplace();
  const root = authority({ subject: { C: "US", ST: "WA", O: `Root ${EVIL}` } });
  const stranger = codeSigner(root, { subject: { C: "US", ST: "WA", O: `Stranger ${EVIL}` } });
  file("stranger.pem", root.pem);
  await pushSignature(layout, artifact, stranger);
  for (const signer of [wabbit, stranger]) {
    const predicate = { target: artifact.digest, reason: `${signer.pem.length}${EVIL}` };
    await pushClaim(layout, { type: "revocation", subject: artifact, predicate }, signer);
    await pushClaim(
      layout,
      { type: "https://example.com/review/v1", subject: artifact, predicate: { by: EVIL } },
      signer,
    );
  }
  await pushReferrer(layout, artifact, {
    artifactType: `application/${EVIL}`,
    annotations: { "org.opencontainers.image.title": EVIL },
  });
  let printed = "";
  for (const command of COMMANDS) {
    for (const trusted of [
      ["wabbit.pem"],
      ["stranger.pem"],
      ["acme.pem"],
      ["wabbit.pem", "stranger.pem"],
    ]) {
      for (const color of [false, true]) {
        for (const format of [[], ["--json"]]) {
          const args = [command, ...format, ...trusted.flatMap((each) => ["--root", each])];
          const { stdout, stderr } = await consign(
            folder,
            [...args, command === "ls" ? "oci:net-monitor" : "oci:net-monitor:v1"],
            {
              color,
            },
          );
          const text = `${stdout}\n${stderr}`;
          for (const line of (color ? text.replace(COLORS, "") : text).split("\n")) {
            assert.doesNotMatch(line, UNSEEN, `${args.join(" ")}: ${JSON.stringify(line)}`);
            assert.doesNotMatch(line, /^✔ verified/, `${args.join(" ")}: a line of the stranger's`);
          }
          printed += text;
        }
      }
    }
  }
  assert.match(printed, /x\ufffd\[2J\ufffdy/, "the text itself is there");
});
