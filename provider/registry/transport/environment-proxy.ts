// SPDX-License-Identifier: Apache-2.0
import { BlockList, isIP } from "node:net";
import { ConsignError } from "../../errors";
import { isLoopback } from "../settings";

/**
 * The proxy that `HTTPS_PROXY` or `HTTP_PROXY` names for a URL, unless `NO_PROXY` names its host;
 * lower case is read too. As Go has it, and so `oras`, `skopeo` and `regctl`: this machine is
 * reached without one.
 * @see https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config
 */
export function environmentProxy(url: URL, env: NodeJS.ProcessEnv): string | undefined {
  const read = (name: string): string => (env[name] || env[name.toLowerCase()] || "").trim();
  const name = url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const proxy = read(name);
  if (proxy === "" || isLoopback(url.hostname)) return undefined;
  if (
    read("NO_PROXY")
      .split(",")
      .some((rule) => excepts(rule.trim().toLowerCase(), url))
  )
    return undefined;
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(proxy) ? proxy : `http://${proxy}`;
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new ConsignError(
    "INPUT_INVALID",
    `${name} is no URL of an HTTP proxy; mend it, or name ${url.host} in NO_PROXY`,
  );
}

/** A host, a domain with all below it, `.domain` for what is below it alone, an address, or `*`. */
function excepts(rule: string, url: URL): boolean {
  if (rule === "") return false;
  if (rule === "*") return true;
  const host = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  const [network = "", bits] = rule.split("/");
  if (bits !== undefined) return isIn(host, network, Number(bits));
  if (isIP(rule) !== 0) return rule === host;
  const [, name = rule, port] = /^(.*?):(\d+)$/.exec(rule) ?? [];
  if (port !== undefined && port !== (url.port || (url.protocol === "https:" ? "443" : "80")))
    return false;
  const domain = name.replace(/^\*?\./, "");
  return (host === domain && domain === name) || host.endsWith(`.${domain}`);
}

function isIn(host: string, network: string, bits: number): boolean {
  const family = (text: string): "ipv4" | "ipv6" | undefined =>
    isIP(text) === 4 ? "ipv4" : isIP(text) === 6 ? "ipv6" : undefined;
  const type = family(network);
  if (type === undefined || family(host) !== type) return false;
  if (!Number.isInteger(bits) || bits < 0 || bits > (type === "ipv4" ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(network, bits, type);
  return list.check(host, type);
}
