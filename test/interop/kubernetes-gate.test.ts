// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { checkout } from "../engine/example-checkout";
import { engineMissing } from "../harness/engine";
import { kubernetesMissing, startKubernetes, type KubernetesApi } from "../harness/kubernetes";
import { missing } from "../harness/toolchain";

const PATHS: Record<string, string> = {
  Deployment: "apis/apps/v1/namespaces/monitoring/deployments",
  CronJob: "apis/batch/v1/namespaces/monitoring/cronjobs",
};

describe(
  "examples/gate-to-kubernetes",
  { skip: engineMissing("folder") || kubernetesMissing() || missing("olareg") },
  () => {
    let api: KubernetesApi;
    before(async () => {
      api = await startKubernetes();
      const labels = {
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/warn": "restricted",
      };
      await api.send("POST", "/api/v1/namespaces", {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: "monitoring", labels },
      });
    });
    after(() => api?.stop());

    test(
      "gives no manifest while the gate is closed, and then ones that a real API server takes as they are",
      { timeout: 300_000 },
      async () => {
        const copy = checkout("gate-to-kubernetes");
        const { code, text, outputs } = await copy.play();
        assert.equal(code, 0, text.slice(-4_000));
        const image = String(outputs["acme"]?.["image"]);
        assert.match(image, /^127\.0\.0\.1:\d+\/net-monitor@sha256:[0-9a-f]{64}$/);
        assert.match(text.slice(0, text.indexOf("ACME approves")), /VERIFICATION_UNMET/);
        const documents = readFileSync(join(copy.folder, ".run", "manifests.yaml"), "utf8")
          .split(/^---\n/m)
          .slice(1);
        assert.equal(documents.length, 2);
        for (const document of documents) {
          const [, kind = ""] = /^kind: (\w+)$/m.exec(document) ?? [];
          const [, name = ""] = /^ {2}name: ([\w-]+)$/m.exec(document) ?? [];
          assert.ok(document.includes(`image: "${image}"`), document);
          const answer = await api.send(
            "PATCH",
            `/${PATHS[kind]}/${name}?dryRun=All&fieldValidation=Strict&fieldManager=consign`,
            document,
            "application/apply-patch+yaml",
          );
          assert.deepEqual([answer.status, answer.warnings], [201, []], answer.body.message);
        }
      },
    );
  },
);
