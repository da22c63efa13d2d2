// SPDX-License-Identifier: Apache-2.0

/**
 * Where a request goes: an origin, and the path with its query. A URL is made of them only where
 * somebody asks for it, which few requests need.
 */
export class Address {
  #url: URL | undefined;

  private constructor(
    readonly origin: string,
    /** With the port, where that is not the protocol's own. */
    readonly host: string,
    readonly path: string,
    url?: URL,
  ) {
    this.#url = url;
  }

  static of(url: URL): Address {
    return new Address(url.origin, url.host, url.pathname + url.search, url);
  }

  /**
   * Another path of the same origin. @param path of our own making: absolute, and with nothing in
   * it that a URL would spell otherwise
   */
  at(path: string): Address {
    return new Address(this.origin, this.host, path);
  }

  get href(): string {
    return `${this.origin}${this.path}`;
  }

  get url(): URL {
    this.#url ??= new URL(this.path, this.origin);
    return this.#url;
  }
}
