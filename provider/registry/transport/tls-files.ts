// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { createSecureContext } from "node:tls";
import { ConsignError } from "../../errors";
import type { RegistrySettings } from "../settings";

export interface TlsFiles {
  ca: string | undefined;
  clientCertificate: { cert: string; key: string } | undefined;
}

/**
 * Reads and tries the TLS files of a registry's settings; relative paths count from `baseDir`.
 * @throws ConsignError `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `TLS_FAILED`
 */
export function readTlsFiles(
  registry: string,
  settings: RegistrySettings,
  baseDir: string,
): TlsFiles {
  const read = (property: "caFile" | "certFile" | "keyFile", file: string): string =>
    readText(resolve(baseDir, file), `registries["${registry}"].${property}`);
  const ca = settings.caFile === undefined ? undefined : read("caFile", settings.caFile);
  if (ca !== undefined && !/-----BEGIN (?:TRUSTED )?CERTIFICATE-----/.test(ca))
    throw unusable(registry, "caFile", "holds no PEM certificate");
  const clientCertificate =
    settings.certFile === undefined || settings.keyFile === undefined
      ? undefined
      : { cert: read("certFile", settings.certFile), key: read("keyFile", settings.keyFile) };
  try {
    if (ca !== undefined) createSecureContext({ ca });
  } catch {
    throw unusable(registry, "caFile", "cannot be parsed");
  }
  try {
    if (clientCertificate !== undefined) createSecureContext(clientCertificate);
  } catch {
    throw unusable(registry, "certFile", "and keyFile cannot be parsed, or do not belong together");
  }
  return { ca, clientCertificate };
}

function readText(file: string, path: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const missing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    throw new ConsignError(
      missing ? "FILE_NOT_FOUND" : "FILE_UNREADABLE",
      `${path}: ${file} ${missing ? "does not exist" : "cannot be read"}`,
      { path, cause },
    );
  }
}

function unusable(registry: string, property: string, what: string): ConsignError {
  const path = `registries["${registry}"].${property}`;
  return new ConsignError("TLS_FAILED", `${path} ${what}`, { path });
}
