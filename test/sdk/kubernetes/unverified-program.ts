// SPDX-License-Identifier: Apache-2.0
// A program whose verifications come to nothing that a node could run. It has a process of its own,
// since it has to fail.
import * as pulumi from "@pulumi/pulumi";
import { VerifiedDeployment } from "../../../sdk/kubernetes/index";

const registered: string[] = [];
const failures: string[] = [];
const [, , ...references] = process.argv;

void pulumi.runtime.setMocks({
  newResource: ({ type, name, inputs }) => {
    registered.push(type);
    const reference = (inputs as Record<string, unknown>)["artifact"];
    return {
      id: name,
      state:
        type.endsWith(":Verification") && reference !== "nothing"
          ? { ...inputs, reference }
          : inputs,
    };
  },
  call: () => ({}),
});
process.on("unhandledRejection", (error) => void failures.push(String(error)));
process.on("exit", () => process.stdout.write(JSON.stringify({ registered, failures })));

const trust = { signatureVerification: { level: "strict" as const }, trustedIdentities: ["*"] };
references.forEach(
  (artifact, index) => new VerifiedDeployment(`deployment-${index}`, { artifact, trust }),
);
