// SPDX-License-Identifier: Apache-2.0
import { NAME_ONLY, lastName, packageKey, type Package } from "./identity";

/**
 * The packages of an SBOM as one text, a line each, by which a few are found among thousands
 * without making an object of every one.
 */
export class PackageList {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  static of(packages: Iterable<Package>): PackageList {
    const lines = new Set<string>();
    for (const { key, version, label, distro } of packages)
      lines.add([key, version, label, distro].map((part) => escaped(part ?? "")).join("\t"));
    return new PackageList(`\n${[...lines].sort().join("\n")}\n`);
  }

  get text(): string {
    return this.#text;
  }

  get isEmpty(): boolean {
    return this.#text.trim() === "";
  }

  /** What has this key, and what has only a name and may be it. */
  find(key: string): { sure: Package[]; namesakes: Package[] } {
    return {
      sure: this.#lines(escaped(key)),
      namesakes: this.#lines(escaped(packageKey(NAME_ONLY, lastName(key)))),
    };
  }

  /** Whatever has this as the last part of its name, of any type. */
  named(name: string): Package[] {
    return [...this.keys()]
      .filter((key) => lastName(key) === name)
      .flatMap((key) => this.#lines(escaped(key)));
  }

  /** Every key once, for questions about so many packages that a look at each is dearer. */
  keys(): Set<string> {
    const keys = new Set<string>();
    for (const line of this.#text.split("\n"))
      if (line !== "") keys.add(unescaped(line.slice(0, line.indexOf("\t"))));
    return keys;
  }

  #lines(key: string): Package[] {
    const found: Package[] = [];
    const wanted = `\n${key}\t`;
    for (let at = this.#text.indexOf(wanted); at >= 0; at = this.#text.indexOf(wanted, at + 1)) {
      const line = this.#text.slice(at + 1, this.#text.indexOf("\n", at + 1));
      found.push(packageIn(line));
    }
    return found;
  }
}

function packageIn(line: string): Package {
  const [key = "", version = "", label = "", distro = ""] = line.split("\t").map(unescaped);
  return {
    key,
    version: version === "" ? undefined : version,
    label,
    ...(distro === "" ? {} : { distro }),
  };
}

function escaped(text: string): string {
  return /[\t\n\r%]/.test(text) ? text.replace(/[\t\n\r%]/g, encodeURIComponent) : text;
}

function unescaped(text: string): string {
  return text.includes("%") ? text.replace(/%(09|0A|0D|25)/g, decodeURIComponent) : text;
}
