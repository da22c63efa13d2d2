// SPDX-License-Identifier: Apache-2.0
export type { CallOptions, Content, PushOptions, ReadStore, SmallBlobReader, Store, TagOptions, TagOrDigest } from "./storage";
export { readSmall, readVerified, verified } from "./verify";
export { bytesBlob, fileBlob, packManifest, pushArtifact } from "./pack";
export type { BlobSource, PackedArtifact, PackOptions, PushArtifactOptions, PushReport } from "./pack";
export { copy } from "./copy";
export type { CopyOptions, CopyProgress, CopyReport } from "./copy";
export { MemoryStore } from "./memory";
export { OciLayout } from "./oci-layout";
export type { OciLayoutOptions } from "./oci-layout";
export { isFallbackTag } from "./tags";
