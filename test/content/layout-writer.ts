// SPDX-License-Identifier: Apache-2.0
// A process of its own for the layout tests: pushes `count` tagged referrers of one subject into
// the layout, and prints each tag once it is there.
import { OciLayout, pushArtifact } from "../../provider/content/index";
import { artifact } from "./sample-graph";

async function main([path = "", name = "", count = "1"]: string[]): Promise<void> {
  const layout = OciLayout.open(path, { create: true });
  const subject = artifact("subject").manifest.descriptor;
  for (let at = 0; at < Number(count); at++) {
    const tag = `${name}-${at}`;
    const packed = artifact(`${tag} ${"x".repeat(50_000)}`, { subject });
    await pushArtifact(layout, packed);
    await layout.tag(packed.manifest, tag);
    process.stdout.write(`${tag}\n`);
  }
}

void main(process.argv.slice(2));
