// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConsignError, type ErrorCode } from "../../../provider/errors";
import {
  deploymentManifest,
  driftCronJob,
  pinnedImage,
  stackChain,
  stackObject,
  subscriptionCronJob,
} from "../../../sdk/kubernetes/manifests";
import {
  chain,
  deployment,
  digest,
  drift,
  IMAGE,
  RUNNER,
  subscription,
  verification,
} from "./arrange";
import { stackSchema } from "./stack-schema";

function refuses(code: ErrorCode, words: RegExp, run: () => unknown): void {
  assert.throws(
    run,
    (error: unknown) =>
      error instanceof ConsignError && error.code === code && words.test(error.message),
  );
}

/** Every image in a manifest, at any depth. */
function imagesIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    key === "image" && typeof item === "string" ? [item] : imagesIn(item),
  );
}

describe("an image", () => {
  test("is a registry's repository and a digest", () => {
    for (const reference of [
      IMAGE,
      RUNNER,
      `localhost/a@${digest}`,
      `127.0.0.1:5000/a/b_c/d-e@${digest}`,
      `registry:5000/a@${digest}`,
      `[::1]:5000/a@${digest}`,
      `a.example/b@sha512:${"0".repeat(128)}`,
    ])
      assert.equal(pinnedImage(reference), reference);
  });

  test("is never a directory, a tag, or a name that somebody has to complete", () => {
    refuses("REFERENCE_INVALID", /cannot pull from a directory/, () =>
      pinnedImage(`oci:registries/acme@${digest}`),
    );
    refuses("REFERENCE_INVALID", /not pinned by digest/, () =>
      pinnedImage("registry.acme.example/net-monitor:v1"),
    );
    for (const bad of [
      `net-monitor@${digest}`,
      `library/net-monitor@${digest}`,
      `${IMAGE}0`,
      `registry.acme.example/Net@${digest}`,
      `https://registry.acme.example/a@${digest}`,
      `registry.acme.example/a:v1@${digest}`,
      `${IMAGE}\n`,
    ]) {
      refuses("REFERENCE_INVALID", /is no registry\/repository@sha256/, () => pinnedImage(bad));
    }
  });

  test("does not exist while nothing vouches for it", () => {
    refuses("VERIFICATION_UNMET", /nothing is deployed/, () => pinnedImage(undefined));
    refuses("VERIFICATION_UNMET", /the image of net-monitor/, () =>
      deploymentManifest(undefined, deployment),
    );
    refuses("VERIFICATION_UNMET", /drift/, () => driftCronJob(undefined, drift));
    refuses("VERIFICATION_UNMET", /workspace image/, () => stackChain(undefined, chain));
  });
});

describe("a Deployment", () => {
  test("runs what was verified, and nothing more than it needs", () => {
    const { metadata, spec } = deploymentManifest(IMAGE, deployment);
    assert.deepEqual(metadata, {
      name: "net-monitor",
      namespace: "monitoring",
      labels: {
        team: "platform",
        "app.kubernetes.io/name": "net-monitor",
        "app.kubernetes.io/managed-by": "consign",
      },
    });
    assert.deepEqual(spec.selector.matchLabels, { "app.kubernetes.io/name": "net-monitor" });
    const [container] = spec.template.spec.containers;
    assert.equal(container?.image, IMAGE);
    assert.deepEqual(container?.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    });
    assert.equal(spec.template.spec.automountServiceAccountToken, false);
    assert.deepEqual(container?.env, [
      {
        name: "DATABASE_PASSWORD",
        valueFrom: { secretKeyRef: { name: "net-monitor-db", key: "password" } },
      },
      { name: "LOG_LEVEL", value: "info" },
    ]);
    assert.deepEqual(container?.readinessProbe, { httpGet: { path: "/ready", port: 8080 } });
  });

  test("takes secrets by reference only", () => {
    for (const name of [
      "DB_PASSWORD",
      "PULUMI_CONFIG_PASSPHRASE",
      "github_token",
      "AWS_SECRET_ACCESS_KEY",
      "API_KEY",
    ]) {
      refuses("INPUT_INVALID", /looks like a secret/, () =>
        deploymentManifest(IMAGE, { name: "a", container: { env: { [name]: "x" } } }),
      );
    }
    refuses("INPUT_INVALID", /in env and in secretEnv/, () =>
      deploymentManifest(IMAGE, {
        name: "a",
        container: { env: { A: "x" }, secretEnv: { A: { name: "s", key: "k" } } },
      }),
    );
  });

  test("says what is wrong with its settings", () => {
    refuses("INPUT_INVALID", /is no name/, () =>
      deploymentManifest(IMAGE, { name: "Net_Monitor" }),
    );
    refuses("INPUT_INVALID", /replicas/, () =>
      deploymentManifest(IMAGE, { name: "a", replicas: -1 }),
    );
    refuses("INPUT_INVALID", /a probe needs a port/, () =>
      deploymentManifest(IMAGE, { name: "a", container: { readyPath: "/" } }),
    );
  });
});

describe("a CronJob", () => {
  test("looks for drift and writes nothing", () => {
    const { spec } = driftCronJob(RUNNER, drift);
    const pod = spec.jobTemplate.spec.template.spec;
    assert.deepEqual(pod.containers[0]?.command, [
      "pulumi",
      "preview",
      "--refresh",
      "--expect-no-changes",
      "--diff",
      "--non-interactive",
      "--color",
      "never",
      "--stack",
      "acme/supply-chain/prod",
    ]);
    assert.equal(spec.concurrencyPolicy, "Forbid");
    assert.deepEqual(
      [spec.jobTemplate.spec.backoffLimit, pod.restartPolicy, spec.timeZone],
      [0, "Never", "Etc/UTC"],
    );
    assert.deepEqual(
      [pod.serviceAccountName, pod.automountServiceAccountToken],
      ["consign-runner", true],
    );
    assert.deepEqual(pod.volumes?.find(({ name }) => name === "registry-credentials")?.secret, {
      secretName: "acme-registry",
      items: [{ key: ".dockerconfigjson", path: "config.json" }],
    });
    assert.equal(
      pod.containers[0]?.env?.find(({ name }) => name === "DOCKER_CONFIG")?.value,
      "/etc/consign/docker",
    );
  });

  test("verifies a pinned reference again and again", () => {
    const pod = driftCronJob(RUNNER, verification).spec.jobTemplate.spec.template.spec;
    assert.deepEqual(pod.containers[0]?.command, [
      "consign",
      "verify",
      IMAGE,
      "--policy",
      "/etc/consign/policy/policy.json",
      "--require",
      "sbom/spdx",
      "--require",
      "vsa",
    ]);
    assert.equal(pod.automountServiceAccountToken, false);
    refuses("REFERENCE_INVALID", /not pinned/, () =>
      driftCronJob(RUNNER, {
        ...verification,
        verify: { reference: "registry.acme.example/a:v1", policy: { configMap: "t", key: "k" } },
      }),
    );
  });

  test("follows a subscription: tells of news, or takes it over", () => {
    const commandOf = (onNews: "report" | "apply") =>
      subscriptionCronJob(RUNNER, {
        ...subscription,
        onNews,
      }).spec.jobTemplate.spec.template.spec.containers[0]?.command?.slice(0, 4);
    assert.deepEqual(commandOf("report"), [
      "pulumi",
      "preview",
      "--refresh",
      "--expect-no-changes",
    ]);
    assert.deepEqual(commandOf("apply"), ["pulumi", "up", "--refresh", "--yes"]);
  });

  test("says what is wrong with its settings", () => {
    const { program, ...rest } = drift;
    refuses("INPUT_INVALID", /either program or verify/, () => driftCronJob(RUNNER, rest));
    refuses("INPUT_INVALID", /either program or verify/, () =>
      driftCronJob(RUNNER, {
        ...drift,
        ...(verification.verify === undefined ? {} : { verify: verification.verify }),
      }),
    );
    refuses("INPUT_INVALID", /no cron schedule/, () =>
      driftCronJob(RUNNER, { ...drift, schedule: "every day" }),
    );
    refuses("INPUT_INVALID", /up to 52/, () =>
      driftCronJob(RUNNER, { ...drift, name: "a".repeat(53) }),
    );
    refuses("INPUT_INVALID", /user or password/, () =>
      driftCronJob(RUNNER, {
        ...drift,
        program: { stack: "dev", backend: "https://me:secret@state.example" },
      }),
    );
    assert.ok(program);
  });
});

describe("stacks for the operator", () => {
  test("wait for each other, refresh, and never destroy", () => {
    const stacks = stackChain(RUNNER, chain);
    assert.deepEqual(
      stacks.map(({ metadata, spec }) => [
        metadata.name,
        spec.prerequisites,
        spec.preview ?? false,
      ]),
      [
        ["mirror", undefined, false],
        ["mirror-watch", [{ name: "mirror" }], true],
        ["verify", [{ name: "mirror", requirement: { succeededWithinDuration: "1h30m" } }], false],
        ["verify-watch", [{ name: "verify" }], true],
        ["promote", [{ name: "verify", requirement: { succeededWithinDuration: "1h30m" } }], false],
        ["promote-watch", [{ name: "promote" }], true],
      ],
    );
    for (const { spec } of stacks)
      assert.deepEqual(
        [
          spec.refresh,
          spec.destroyOnFinalize,
          spec.continueResyncOnCommitMatch,
          spec.expectNoRefreshChanges,
        ],
        [true, false, true, spec.preview],
      );
    assert.deepEqual(stacks[0]?.spec.envRefs, {
      AWS_REGION: { type: "Literal", literal: { value: "eu-west-1" } },
      AWS_SECRET_ACCESS_KEY: { type: "Secret", secret: { name: "state-bucket", key: "secret" } },
    });
  });

  test("have the shape that the operator documents", () => {
    for (const stack of stackChain(RUNNER, chain))
      stackSchema.parse(JSON.parse(JSON.stringify(stack)));
    stackSchema.parse(
      stackObject(RUNNER, {
        name: "a",
        stack: "dev",
        source: { program: "mirror" },
        config: { "consign:registries": { "r.example": { concurrency: 4 } } },
        mode: "watch",
      }),
    );
  });

  test("say what is wrong with their settings", () => {
    const minimal = { name: "a", stack: "dev", source: { program: "p" } };
    refuses("INPUT_INVALID", /60 or more/, () =>
      stackObject(RUNNER, { ...minimal, resyncSeconds: 10 }),
    );
    refuses("INPUT_INVALID", /either commit or branch/, () =>
      stackObject(RUNNER, { ...minimal, source: { repository: "https://git.example/a" } }),
    );
    refuses("INPUT_INVALID", /no duration/, () =>
      stackObject(RUNNER, { ...minimal, after: [{ name: "b", within: "soon" }] }),
    );
    refuses("INPUT_INVALID", /looks like a secret/, () =>
      stackObject(RUNNER, { ...minimal, config: { dbPassword: "x" } }),
    );
  });
});

test("the same settings give the same manifests, with verified images alone in them", () => {
  const make = () => [
    deploymentManifest(IMAGE, deployment),
    driftCronJob(RUNNER, drift),
    driftCronJob(RUNNER, verification),
    subscriptionCronJob(RUNNER, subscription),
    ...stackChain(RUNNER, chain),
  ];
  assert.equal(JSON.stringify(make()), JSON.stringify(make()));
  const images = imagesIn(make());
  assert.equal(images.length, 10);
  assert.deepEqual(new Set(images), new Set([IMAGE, RUNNER]));
});
