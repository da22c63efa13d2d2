// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import {
  Tag,
  decodeSign1,
  encodeCbor,
  encodeSign1,
  signBytes,
  toBeSigned,
  type Label,
} from "../../../provider/cose/index";
import type { Issued } from "../../harness/keys";
import { leaf, sign } from "../arrange";

export interface Forgery {
  /** Changes to the protected header; undefined removes. */
  headers?: Record<string, unknown>;
  /** Protected bytes as they are, instead of an encoding of the headers. */
  protectedBytes?: Uint8Array;
  unprotected?: Record<string, unknown>;
  payload?: Uint8Array;
  signature?: (good: Uint8Array) => Uint8Array;
  key?: Issued;
}

const NUMBERS: Record<string, number> = {
  alg: 1,
  crit: 2,
  cty: 3,
  kid: 4,
  cwt: 15,
  x5chain: 33,
  x5t: 34,
};

/**
 * A good envelope with something changed and then properly signed, so that only the change can be
 * what is refused.
 */
export async function forge(change: Forgery = {}): Promise<Uint8Array> {
  const good = decodeSign1(await sign(), 2 ** 20);
  const unprotectedHeaders = changed(good.unprotectedHeaders, change.unprotected);
  const headers = changed(good.protectedHeaders, {
    ...namesLeaf(unprotectedHeaders),
    ...change.headers,
  });
  const protectedBytes = change.protectedBytes ?? encodeCbor(headers);
  const payload = change.payload ?? good.payload;
  const signature = await signBytes(
    (change.key ?? leaf).key.privateKey,
    toBeSigned(protectedBytes, payload),
  );
  return encodeSign1({
    protectedBytes,
    unprotectedHeaders,
    payload,
    signature: change.signature?.(signature) ?? signature,
  });
}

/** The signed name of the chain's first certificate, as whoever signs with it would write it. */
function namesLeaf(unprotectedHeaders: ReadonlyMap<Label, unknown>): Record<string, unknown> {
  const chain = unprotectedHeaders.get(33);
  const first: unknown = Array.isArray(chain) ? chain[0] : undefined;
  return first instanceof Uint8Array
    ? { x5t: [-16, Uint8Array.from(createHash("sha256").update(first).digest())] }
    : {};
}

function changed(
  headers: ReadonlyMap<Label, unknown>,
  changes: Record<string, unknown> = {},
): Map<Label, unknown> {
  const map = new Map(headers);
  for (const [name, value] of Object.entries(changes)) {
    const label = NUMBERS[name] ?? name;
    if (value === undefined) map.delete(label);
    else map.set(label, value);
  }
  return map;
}

export const scheme = "io.cncf.notary.signingScheme";
export const signingTime = "io.cncf.notary.signingTime";
export const authenticSigningTime = "io.cncf.notary.authenticSigningTime";
export const expiry = "io.cncf.notary.expiry";
export const at = (seconds: number): Tag => new Tag(1, seconds);
