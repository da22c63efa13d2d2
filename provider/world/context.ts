// SPDX-License-Identifier: Apache-2.0
import { existsSync } from "node:fs";
import { access } from "node:fs/promises";
import path from "node:path";
import { OciLayout } from "../content/oci-layout";
import { realPath } from "../content/real-path";
import type { Store } from "../content/storage";
import { isConsignError, ConsignError } from "../errors";
import type { HttpFetch } from "../notation/revocation/http-fetch";
import type { RevocationChecker } from "../notation/revocation/revocation";
import { formatLocation, parseLocation, type Location } from "../oci/reference";
import type { RegistryClient } from "../registry/index";
import type { Run } from "./run";

/**
 * What a reconciler may use of the world. Everything that varies between runs comes in through
 * here.
 */
export interface ResourceContext {
  /**
   * The Pulumi project's folder: relative paths in arguments are resolved against it, and stay
   * relative in state.
   */
  readonly baseDir: string;
  readonly stores: Stores;
  readonly fetch: HttpFetch;
  readonly revocation: RevocationChecker;
  /** What resources of this run remember for each other. */
  readonly run: Run;
  now(): Date;
  /** Something a person should know although nothing failed. */
  warn(message: string): void;
  progress(message: string): void;
}

/**
 * Opens locations. One store object per location and process, so that what one resource learnt the
 * next need not ask again.
 */
export class Stores {
  private readonly layouts = new Map<string, OciLayout>();

  constructor(
    private readonly registries: RegistryClient,
    private readonly baseDir: string,
  ) {}

  /** @throws ConsignError `REFERENCE_INVALID` */
  async open(location: Location | string): Promise<Store> {
    const parsed = typeof location === "string" ? parseLocation(location) : location;
    if (parsed.kind === "registry")
      return this.registries.repository(parsed.registry, parsed.repository);
    const directory = path.resolve(this.baseDir, parsed.path);
    let layout = this.layouts.get(directory);
    if (layout === undefined) {
      layout = await OciLayout.open(directory, { create: true, name: formatLocation(parsed) });
      this.layouts.set(directory, layout);
    }
    return layout;
  }

  /**
   * Opens a location to look whether something is still there. A layout whose directory is missing
   * may be on a disk that is not mounted, or not checked out yet: that is not told from one that is
   * gone.
   * @throws ConsignError `LAYOUT_INVALID`
   */
  async observe(location: Location | string): Promise<Store> {
    const parsed = typeof location === "string" ? parseLocation(location) : location;
    const store = await this.open(parsed);
    if (parsed.kind === "layout" && !existsSync(path.resolve(this.baseDir, parsed.path))) {
      throw new ConsignError(
        "LAYOUT_INVALID",
        `${formatLocation(parsed)} is not there, so nothing is known about what it held; if it is gone for good, make an empty directory in its place`,
        { reference: formatLocation(parsed) },
      );
    }
    return store;
  }

  /**
   * A name that two locations share if, and only if, they are one place as far as can be told
   * without asking: paths with links followed, and registries by the address at which the settings
   * reach them.
   */
  async placeOf(location: Location | string): Promise<string> {
    const parsed = typeof location === "string" ? parseLocation(location) : location;
    if (parsed.kind === "registry")
      return `${this.registries.addressOf(parsed.registry)}/${parsed.repository}`;
    return `oci:${await realPath(path.resolve(this.baseDir, parsed.path))}`;
  }

  /**
   * Forgets what can change behind our back: tags and referrers. Content is immutable and stays.
   */
  forget(): void {
    this.registries.forget();
    this.layouts.clear();
  }

  async close(): Promise<void> {
    await this.registries.close();
  }
}

/**
 * Resolves a path argument; `property` is where the user wrote it. @throws ConsignError
 * `FILE_NOT_FOUND`
 */
export async function argumentPath(
  context: Pick<ResourceContext, "baseDir">,
  file: string,
  property: string,
): Promise<string> {
  const resolved = path.resolve(context.baseDir, file);
  try {
    await access(resolved);
  } catch (cause) {
    throw new ConsignError(
      "FILE_NOT_FOUND",
      `"${file}" does not exist (looked in the Pulumi project's folder)`,
      { path: property, cause },
    );
  }
  return resolved;
}

/**
 * Runs `work`, and tells any {@link ConsignError} that comes out which argument it belongs to; a
 * path it has already is one inside that argument, unless it begins with one of `others`.
 */
export async function at<T>(
  property: string,
  work: () => Promise<T> | T,
  others: readonly string[] = [],
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isConsignError(error)) throw error;
    const { code, message, path: inner, reference, side, status, serverCodes, cause } = error;
    if (inner !== undefined && others.some((other) => inner.startsWith(other))) throw error;
    const within =
      inner === undefined || inner === ""
        ? property
        : isWithin(inner, property)
          ? inner
          : `${property}${inner.startsWith("[") ? "" : "."}${inner}`;
    throw new ConsignError(code, message, {
      path: within,
      reference,
      side,
      status,
      serverCodes,
      cause,
    });
  }
}

/** `trustStores[0]` begins with `trust`, and is not in it. */
function isWithin(path: string, property: string): boolean {
  return path === property || path.startsWith(`${property}.`) || path.startsWith(`${property}[`);
}
