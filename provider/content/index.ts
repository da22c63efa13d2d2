// SPDX-License-Identifier: Apache-2.0
export type {
  CallOptions,
  Content,
  PushManifestOptions,
  PushOptions,
  ReadStore,
  ReferrersOptions,
  SmallBlobReader,
  Store,
  TagListOptions,
  TagOptions,
  TagOrDigest,
} from "./storage";
export { readSmall, readVerified, verified } from "./verify";
export { bytesBlob, fileBlob, packManifest, pushArtifact } from "./pack";
export type {
  BlobSource,
  PackedArtifact,
  PackOptions,
  PushArtifactOptions,
  PushReport,
} from "./pack";
export { copy, copyAll } from "./copy";
export type {
  CopyAllOptions,
  CopyItem,
  CopyOptions,
  CopyProgress,
  CopyReport,
  TagMove,
} from "./copy";
export { missingFrom } from "./missing";
export type { Missing, MissingOptions } from "./missing";
export { MemoryStore } from "./memory";
export { OciLayout } from "./oci-layout";
export type { OciLayoutOptions } from "./oci-layout";
export { isFallbackTag, isLeaseTag } from "./tags";
