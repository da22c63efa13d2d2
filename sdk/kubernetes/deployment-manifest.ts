// SPDX-License-Identifier: Apache-2.0
import { ConsignError } from "../../provider/errors";
import { container, pod, type ContainerSettings, type PodSettings } from "./container";
import { checkedName, labelsOf, selectorOf } from "./labels";
import type { DeploymentManifest } from "./objects";
import { pinnedImage } from "./pinned-image";

export interface DeploymentSettings extends PodSettings {
  name: string;
  /** @default the namespace of whoever applies it */
  namespace?: string;
  labels?: Record<string, string>;
  /** @default 1 */
  replicas?: number;
  container?: ContainerSettings;
}

/**
 * A Deployment of one container.
 * @param image a verified reference: `registry/repository@sha256:…`
 * @throws ConsignError `REFERENCE_INVALID`, `VERIFICATION_UNMET`, `INPUT_INVALID`
 */
export function deploymentManifest(
  image: string | undefined,
  settings: DeploymentSettings,
): DeploymentManifest {
  return deploymentOf(pinnedImage(image, `the image of ${settings.name}`), settings);
}

/** As {@link deploymentManifest}, of an image that was checked, or will be. */
export function deploymentOf<Image>(
  image: Image,
  settings: DeploymentSettings,
): DeploymentManifest<Image> {
  const { namespace, labels, replicas = 1, container: inside = {}, ...around } = settings;
  const name = checkedName(settings.name);
  if (!Number.isInteger(replicas) || replicas < 0)
    throw new ConsignError("INPUT_INVALID", `${name}: replicas must be a whole number, 0 or more`, {
      path: "replicas",
    });
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: labelsOf(name, labels),
    },
    spec: {
      replicas,
      revisionHistoryLimit: 3,
      selector: { matchLabels: selectorOf(name) },
      template: {
        metadata: { labels: labelsOf(name, labels) },
        spec: pod([container(name, image, inside)], around),
      },
    },
  };
}
