// SPDX-License-Identifier: Apache-2.0
import { sources } from "../harness/sources";

const CLASS = /\/\*\*((?:(?!\*\/)[^])*)\*\/\nexport class (\w+)/g;
const EXAMPLE = /@example\n \* ```ts\n([^]*?) \* ```/;

/** What every example has at hand, of what other examples and the guides make. */
const GIVEN = `
declare const signer: consign.Signer;
declare const trust: consign.TrustPolicy;
`;
/** Of these an example has what it does not make itself. */
const RESOURCES: Readonly<Record<string, string>> = {
  netMonitor: "declare const netMonitor: consign.SignedArtifact;",
  gate: "declare const gate: consign.Verification;",
  consignImage: "declare const consignImage: kubernetes.VerifiedImage;",
};

/**
 * The examples of a folder's public classes, each as a program that compiles.
 * @throws Error for a class that has none
 */
export function examplesIn(folder: string): Record<string, string> {
  const examples: Record<string, string> = {};
  for (const { path, text } of sources(folder, ".ts"))
    for (const [, comment = "", name = ""] of text.matchAll(CLASS)) {
      const lines = EXAMPLE.exec(comment)?.[1];
      if (lines === undefined) throw new Error(`${path}: the class ${name} has no @example`);
      const code = lines.replaceAll(/^ \* ?/gm, "");
      const given = Object.entries(RESOURCES)
        .filter(([resource]) => !code.includes(`const ${resource} `))
        .map(([, declaration]) => declaration);
      const classes = path.includes("/kubernetes/") ? "kubernetes" : "consign";
      examples[name] = [
        'import type * as consign from "pulumi-consign";',
        'import type * as kubernetes from "pulumi-consign/kubernetes";',
        `import { ${name} } from "pulumi-consign${classes === "kubernetes" ? "/kubernetes" : ""}";`,
        GIVEN,
        ...given,
        "export {};",
        code,
      ].join("\n");
    }
  return examples;
}
