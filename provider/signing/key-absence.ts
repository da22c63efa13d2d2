// SPDX-License-Identifier: Apache-2.0
import type { ConsignError } from "../errors";
import { isConsignError } from "../errors";
import { findNotationKey } from "../notation/sign/signing-keys";
import { findPlugin, pluginDirectory } from "../notation/sign/plugin-location";
import { at, type ResourceContext } from "../world/context";
import { notationKeyOptions, openSigner, type SignerArgument } from "./signer";

/**
 * Why nothing can be signed here, as far as that is told without signing: the key's file, its
 * passphrase or the plugin is not on this machine, or not for this user. `undefined` where it can.
 * @throws ConsignError what is wrong with a key that is here: `KEY_UNREADABLE`, `KEY_MISMATCH`,
 * `KEY_UNSUPPORTED`, `FILE_UNREADABLE`
 */
export async function keyAbsence(
  signer: SignerArgument,
  context: ResourceContext,
): Promise<ConsignError | undefined> {
  try {
    if ("keyFile" in signer) await openSigner(signer, context);
    else if ("plugin" in signer)
      await at("signer", () => findPlugin(signer.plugin, pluginDirectory()));
    else await lookForNotationKey(signer, context);
    return undefined;
  } catch (error) {
    if (isConsignError(error) && isAbsence(error)) return error;
    throw error;
  }
}

async function lookForNotationKey(
  signer: Extract<SignerArgument, { notationKey: string }>,
  context: ResourceContext,
): Promise<void> {
  const key = await at("signer.notationKey", () =>
    findNotationKey(notationKeyOptions(signer, context)),
  );
  if ("keyFile" in key) await openSigner(signer, context);
  else await at("signer.notationKey", () => findPlugin(key.plugin, pluginDirectory()));
}

function isAbsence({ code, path = "", cause }: ConsignError): boolean {
  if (code === "PLUGIN_NOT_FOUND" || code === "SIGNER_UNKNOWN") return true;
  if (code === "KEY_UNREADABLE") return path === "signer.passphraseEnv";
  if (!path.endsWith(".keyFile")) return false;
  const reason = (cause as NodeJS.ErrnoException | undefined)?.code;
  return code === "FILE_NOT_FOUND" || reason === "EACCES" || reason === "EPERM";
}
