// SPDX-License-Identifier: Apache-2.0

/**
 * A registry behind a proxy that ends TLS may not know of it, and then writes URLs of its own with
 * `http:`. @returns the same at the origin where it is reached; any other URL as it is
 */
export function withOwnScheme(url: URL, origin: URL): URL {
  const isOwn =
    origin.protocol === "https:" &&
    url.protocol === "http:" &&
    url.hostname === origin.hostname &&
    ["", origin.port].includes(url.port);
  if (!isOwn) return url;
  const own = new URL(url);
  own.protocol = origin.protocol;
  own.port = origin.port;
  return own;
}
