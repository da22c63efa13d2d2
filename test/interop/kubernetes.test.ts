// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { z } from "zod";
import {
  deploymentManifest,
  driftCronJob,
  stackChain,
  subscriptionCronJob,
  toYaml,
  type Manifest,
  type PodTemplate,
} from "../../sdk/kubernetes/manifests";
import {
  kubernetesMissing,
  startKubernetes,
  type ApiAnswer,
  type KubernetesApi,
} from "../harness/kubernetes";
import {
  chain,
  deployment,
  drift,
  IMAGE,
  RUNNER,
  subscription,
  verification,
} from "../sdk/kubernetes/arrange";
import { stackSchema } from "../sdk/kubernetes/stack-schema";

const DRY_RUN = "dryRun=All&fieldValidation=Strict";
const PLURALS: Record<string, string> = {
  Deployment: "apis/apps/v1/namespaces/NS/deployments",
  CronJob: "apis/batch/v1/namespaces/NS/cronjobs",
  Pod: "api/v1/namespaces/NS/pods",
  ConfigMap: "api/v1/namespaces/NS/configmaps",
  Stack: "apis/pulumi.com/v1/namespaces/NS/stacks",
};

const MANIFESTS: Record<string, Manifest> = {
  "a Deployment": deploymentManifest(IMAGE, deployment),
  "a Deployment with nothing said": deploymentManifest(IMAGE, {
    name: "bare",
    namespace: "monitoring",
  }),
  "a CronJob that looks for drift": driftCronJob(RUNNER, drift),
  "a CronJob that verifies": driftCronJob(RUNNER, verification),
  "a CronJob that follows a subscription": subscriptionCronJob(RUNNER, subscription),
};

describe("a real Kubernetes API server", { skip: kubernetesMissing() }, () => {
  let api: KubernetesApi;

  before(async () => {
    api = await startKubernetes();
    for (const name of ["monitoring", "consign"]) {
      const labels = {
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/warn": "restricted",
      };
      const { status, body } = await api.send("POST", "/api/v1/namespaces", {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name, labels },
      });
      assert.equal(status, 201, body.message);
    }
  });
  after(() => api?.stop());

  const pathOf = ({ kind, metadata }: Manifest): string =>
    `/${PLURALS[kind]?.replace("NS", metadata.namespace ?? "default")}`;
  const create = (manifest: Manifest): Promise<ApiAnswer> =>
    api.send("POST", `${pathOf(manifest)}?${DRY_RUN}`, manifest);
  /** Server-side apply, as `kubectl apply --server-side --dry-run=server` does. */
  const apply = (manifest: Manifest): Promise<ApiAnswer> =>
    api.send(
      "PATCH",
      `${pathOf(manifest)}/${manifest.metadata.name}?${DRY_RUN}&fieldManager=consign`,
      toYaml([manifest]),
      "application/apply-patch+yaml",
    );

  for (const [what, manifest] of Object.entries(MANIFESTS)) {
    test(`accepts ${what}, under the restricted profile, without a warning`, async () => {
      const created = await create(manifest);
      assert.deepEqual([created.status, created.warnings], [201, []], created.body.message);
      const applied = await apply(manifest);
      assert.deepEqual([applied.status, applied.warnings], [201, []], applied.body.message);
      assert.deepEqual(
        (applied.body as { spec?: unknown }).spec,
        (created.body as { spec?: unknown }).spec,
        "YAML says the same as JSON",
      );
    });

    test(`admits the pods of ${what}`, async () => {
      const { metadata, spec } = podOf(manifest);
      const pod = {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { ...metadata, name: "one", namespace: manifest.metadata.namespace ?? "" },
        spec: { restartPolicy: "Always", ...spec },
      };
      const admitted = await create(pod);
      assert.deepEqual([admitted.status, admitted.warnings], [201, []], admitted.body.message);
    });
  }

  test("is strict: it refuses a field that does not exist, and a pod that may become root", async () => {
    const manifest = structuredClone(deploymentManifest(IMAGE, deployment));
    const unknown = await create({
      ...manifest,
      spec: { ...manifest.spec, replica: 1 },
    } as Manifest);
    assert.deepEqual(
      [unknown.status, /unknown field "spec\.replica"/.test(unknown.body.message ?? "")],
      [400, true],
      unknown.body.message,
    );
    const { metadata, spec } = podOf(manifest);
    const { securityContext: _, ...root } = spec;
    const containers = root.containers.map(({ securityContext: _none, ...container }) => container);
    const refused = await create({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { ...metadata, name: "root", namespace: "monitoring" },
      spec: { ...root, containers },
    } as Manifest);
    assert.deepEqual(
      [refused.status, /violates PodSecurity "restricted/.test(refused.body.message ?? "")],
      [403, true],
      refused.body.message,
    );
  });

  test("reads our YAML as we meant it, whatever text is in it", async () => {
    const texts = [
      "no",
      "1e3",
      "0x1f",
      "2026-11-24",
      "~",
      "",
      " lead",
      "a: b #c",
      "- x",
      "*a &b !c",
      "line\nbreak\ttab",
      '"\\',
      "é 漢 🚀",
      "\u0085\u2028\u007f",
      "@x",
      "%y",
      "{}",
      "|",
      "'",
    ];
    const data = Object.fromEntries(texts.map((text, index) => [`k${index}`, text]));
    const answer = await apply({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "texts", namespace: "consign" },
      data,
    } as Manifest);
    assert.equal(answer.status, 201, answer.body.message);
    assert.deepEqual(answer.body["data"], data);
  });

  test("keeps the operator's Stacks as they are, under a schema made of its documentation", async () => {
    const definition = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "stacks.pulumi.com" },
      spec: {
        group: "pulumi.com",
        names: { kind: "Stack", plural: "stacks", singular: "stack", listKind: "StackList" },
        scope: "Namespaced",
        versions: [
          { name: "v1", served: true, storage: true, schema: { openAPIV3Schema: structural() } },
        ],
      },
    };
    const defined = await api.send(
      "POST",
      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
      definition,
    );
    assert.equal(defined.status, 201, defined.body.message);
    const stacks = stackChain(RUNNER, chain);
    for (
      const deadline = Date.now() + 20_000;
      (await create(stacks[0] as Manifest)).status === 404 && Date.now() < deadline;
    )
      await new Promise((done) => setTimeout(done, 200));
    for (const stack of stacks) {
      const created = await create(stack);
      assert.equal(created.status, 201, created.body.message);
      assert.deepEqual(created.body["spec"], JSON.parse(JSON.stringify(stack.spec)));
    }
  });
});

function podOf(manifest: Manifest): PodTemplate {
  const { spec } = manifest as Manifest & {
    spec: { template?: PodTemplate; jobTemplate?: { spec: { template: PodTemplate } } };
  };
  const template = spec.template ?? spec.jobTemplate?.spec.template;
  if (template === undefined) throw new Error(`${manifest.kind} has no pods`);
  return template;
}

/**
 * {@link stackSchema} in the dialect that Kubernetes wants: no unions, objects with `properties` or
 * with `additionalProperties`.
 */
function structural(): object {
  const spec = z.toJSONSchema(stackSchema, { unrepresentable: "any" }).properties?.["spec"];
  return { type: "object", properties: { spec: plain(spec) } };
}

function plain(schema: unknown): unknown {
  if (typeof schema !== "object" || schema === null || Object.keys(schema).length === 0)
    return { "x-kubernetes-preserve-unknown-fields": true };
  const {
    type,
    properties,
    additionalProperties,
    items,
    required,
    oneOf,
    anyOf,
    enum: values,
  } = schema as Record<string, unknown>;
  if (oneOf !== undefined || anyOf !== undefined)
    return { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  if (type === "array") return { type, items: plain(items) };
  if (type !== "object") return { type, ...(values === undefined ? {} : { enum: values }) };
  if (typeof properties === "object" && properties !== null)
    return {
      type,
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, value]) => [name, plain(value)]),
      ),
      ...(required === undefined ? {} : { required }),
    };
  return { type, additionalProperties: plain(additionalProperties) };
}
