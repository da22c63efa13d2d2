// SPDX-License-Identifier: Apache-2.0
export {
  COSE_ALGORITHMS,
  algorithmFor,
  algorithmNamed,
  signBytes,
  verifyBytes,
  type CoseAlgorithm,
  type SignatureDigest,
} from "./algorithms";
export { Tag, decodeCbor, encodeCbor, type Headers, type Label } from "./cbor";
export { buildHeaders, registerLabels, secondOpinion, type NamedHeaders } from "./second-opinion";
export {
  LABELS,
  algorithmOfSign1,
  criticalLabels,
  decodeSign1,
  encodeSign1,
  toBeSigned,
  verifySign1,
  type Sign1,
} from "./sign1";
export type { Signer } from "./signer";
