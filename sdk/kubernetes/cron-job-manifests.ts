// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../../provider/errors";
import type { CronJobManifest } from "./objects";
import { pinnedImage } from "./pinned-image";
import { scheduledRun, type Run, type ScheduleSettings } from "./scheduled-run";

/** A Pulumi program that lies in the image that runs it. */
export interface StackRun {
  /** As `pulumi --stack` takes it: `organization/project/dev`, or `dev`. */
  stack: string;
  /**
   * Where the stack's state is: `s3://…`, `gs://…`, `azblob://…`, `https://…`, or `file:///…` on a
   * volume.
   */
  backend: string;
  /** Folder of Pulumi.yaml in the image. @default "/workspace" */
  directory?: string;
}

/** An artifact that is verified again and again. */
export interface VerifyRun {
  /** A pinned reference; a tag would be another question each time. */
  reference: string;
  /**
   * Trust policy: a key of a `ConfigMap`, one statement or notation's `trustpolicy.json`, whose
   * roots are inline.
   */
  policy: { configMap: string; key: string };
  /** Types of claims that must be there and count. */
  require?: string[];
}

export interface DriftCronJobSettings extends ScheduleSettings {
  /**
   * Fails when the stack's `preview --refresh` would change anything. Exactly one of `program` and
   * `verify`.
   */
  program?: StackRun;
  /**
   * Fails when the artifact is no longer verified: a revocation, an expired signature, a claim that
   * is gone.
   */
  verify?: VerifyRun;
}

export interface SubscriptionCronJobSettings extends ScheduleSettings {
  program: StackRun;
  /**
   * What news upstream leads to: a failed run, as `preview --expect-no-changes`, or an update of
   * the stack. @default "report"
   */
  onNews?: "report" | "apply";
}

const BASE = ["--non-interactive", "--color", "never"];

/**
 * A CronJob that looks for drift and changes nothing. What it finds is a failed job, with the
 * reasons in its log.
 * @param image a verified reference to an image with `pulumi` and the program, or with `consign`
 * @throws ConsignError `REFERENCE_INVALID`, `VERIFICATION_UNMET`, `INPUT_INVALID`
 */
export function driftCronJob(
  image: string | undefined,
  settings: DriftCronJobSettings,
): CronJobManifest {
  return driftOf(pinnedImage(image, `the image of ${settings.name}`), settings);
}

/** As {@link driftCronJob}, of an image that was checked, or will be. */
export function driftOf<Image>(
  image: Image,
  settings: DriftCronJobSettings,
): CronJobManifest<Image> {
  const { program, verify, name } = settings;
  if (program !== undefined && verify === undefined)
    return scheduledRun(image, settings, preview(program));
  if (verify !== undefined && program === undefined)
    return scheduledRun(image, settings, verifying(verify));
  throw new ConsignError("INPUT_INVALID", `${name}: say either program or verify`, {
    path: "program",
  });
}

/**
 * A CronJob for a stack whose mirrors follow another registry: it tells of news, or takes them
 * over. Two runs never meet, and Pulumi's backend holds a lock on the stack besides.
 * @throws ConsignError `REFERENCE_INVALID`, `VERIFICATION_UNMET`, `INPUT_INVALID`
 */
export function subscriptionCronJob(
  image: string | undefined,
  settings: SubscriptionCronJobSettings,
): CronJobManifest {
  return subscriptionOf(pinnedImage(image, `the image of ${settings.name}`), settings);
}

/** As {@link subscriptionCronJob}, of an image that was checked, or will be. */
export function subscriptionOf<Image>(
  image: Image,
  settings: SubscriptionCronJobSettings,
): CronJobManifest<Image> {
  const { program, onNews = "report" } = settings;
  return scheduledRun(image, settings, onNews === "report" ? preview(program) : update(program));
}

function preview(program: StackRun): Run {
  return stackRun(program, ["preview", "--refresh", "--expect-no-changes", "--diff"]);
}

function update(program: StackRun): Run {
  return stackRun(program, ["up", "--refresh", "--yes", "--skip-preview"]);
}

function stackRun({ stack, backend, directory = "/workspace" }: StackRun, verb: string[]): Run {
  if (/\/\/[^/]*@/.test(backend))
    throw new ConsignError(
      "INPUT_INVALID",
      "the backend's URL has a user or password in it; use secretEnv",
      { path: "program.backend" },
    );
  return {
    command: ["pulumi", ...verb, ...BASE, "--stack", stack],
    workingDir: directory,
    env: {
      PULUMI_BACKEND_URL: backend,
      PULUMI_HOME: "/var/run/consign/pulumi",
      PULUMI_SKIP_UPDATE_CHECK: "true",
    },
  };
}

function verifying({ reference, policy, require = [] }: VerifyRun): Run {
  const requirements = require.flatMap((type) => ["--require", type]);
  return {
    command: [
      "consign",
      "verify",
      pinnedImage(reference, "what is verified"),
      "--policy",
      "/etc/consign/policy/policy.json",
      ...requirements,
    ],
    mounts: [{ name: "trust-policy", mountPath: "/etc/consign/policy", readOnly: true }],
    volumes: [
      {
        name: "trust-policy",
        configMap: { name: policy.configMap, items: [{ key: policy.key, path: "policy.json" }] },
      },
    ],
  };
}
