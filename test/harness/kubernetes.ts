// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { freePort, startServer } from "./server-process";
import { tempDir } from "./temp";
import { missing } from "./toolchain";

/** For a test's `skip` option. */
export function kubernetesMissing(): string | false {
  return missing("etcd", "kube-apiserver");
}

export interface ApiAnswer {
  status: number;
  /** `Warning` headers: what the API server lets pass and does not like. */
  warnings: string[];
  body: { kind?: string; message?: string; metadata?: { name?: string } } & Record<string, unknown>;
}

/** A Kubernetes API without nodes: it validates and stores objects, and runs nothing. */
export interface KubernetesApi {
  send(method: string, path: string, body?: unknown, contentType?: string): Promise<ApiAnswer>;
  stop(): Promise<void>;
}

/**
 * Starts etcd and kube-apiserver on loopback, as an administrator with a token. Ready after some
 * seconds.
 */
export async function startKubernetes(): Promise<KubernetesApi> {
  const folder = tempDir("kubernetes");
  const [clients, peers, port] = [await freePort(), await freePort(), await freePort()];
  const etcdUrl = `http://127.0.0.1:${clients}`;
  const etcd = await startServer(
    "etcd",
    [
      "--data-dir",
      join(folder, "etcd"),
      "--listen-client-urls",
      etcdUrl,
      "--advertise-client-urls",
      etcdUrl,
      "--listen-peer-urls",
      `http://127.0.0.1:${peers}`,
      "--initial-advertise-peer-urls",
      `http://127.0.0.1:${peers}`,
      "--initial-cluster",
      `default=http://127.0.0.1:${peers}`,
      "--unsafe-no-fsync",
      "--log-level",
      "error",
    ],
    {
      ready: async () =>
        fetch(`${etcdUrl}/health`).then(
          ({ ok }) => ok,
          () => false,
        ),
    },
  );
  const token = randomUUID();
  const certificates = join(folder, "certificates");
  const key = join(folder, "service-accounts.pem");
  writeFileSync(
    key,
    generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({
      type: "pkcs8",
      format: "pem",
    }),
  );
  writeFileSync(join(folder, "tokens.csv"), `${token},admin,admin,"system:masters"\n`, {
    mode: 0o600,
  });
  // It makes a certificate for itself, which is then the one to trust.
  const trusted = (): string => readFileSync(join(certificates, "apiserver.crt"), "utf8");
  const send: KubernetesApi["send"] = (method, path, body, contentType) =>
    ask({ port, ca: trusted(), token }, method, path, body, contentType);
  try {
    const server = await startServer(
      "kube-apiserver",
      [
        ...[
          "--etcd-servers",
          etcdUrl,
          "--bind-address",
          "127.0.0.1",
          "--secure-port",
          String(port),
          "--cert-dir",
          certificates,
        ],
        ...[
          "--token-auth-file",
          join(folder, "tokens.csv"),
          "--authorization-mode",
          "RBAC",
          "--service-cluster-ip-range",
          "10.0.0.0/24",
        ],
        ...[
          "--service-account-issuer",
          "https://kubernetes.test",
          "--service-account-key-file",
          key,
          "--service-account-signing-key-file",
          key,
        ],
        // Nobody runs the controller that makes a service account for each namespace.
        ...["--disable-admission-plugins", "ServiceAccount"],
      ],
      {
        ready: async () =>
          existsSync(join(certificates, "apiserver.crt")) &&
          send("GET", "/readyz").then(
            ({ status }) => status === 200,
            () => false,
          ),
        timeoutMs: 120_000,
      },
    );
    const stop = async (): Promise<void> => {
      await server.stop();
      await etcd.stop();
    };
    return { send, stop };
  } catch (error) {
    await etcd.stop();
    throw error;
  }
}

function ask(
  to: { port: number; ca: string; token: string },
  method: string,
  path: string,
  body?: unknown,
  contentType = "application/json",
): Promise<ApiAnswer> {
  return new Promise((done, fail) => {
    const headers = {
      authorization: `Bearer ${to.token}`,
      accept: "application/json",
      ...(body === undefined ? {} : { "content-type": contentType }),
    };
    const asked = request(
      {
        host: "127.0.0.1",
        port: to.port,
        ca: to.ca,
        method,
        path,
        headers,
        agent: false,
        timeout: 30_000,
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        response.on("end", () => {
          const warning = response.headers["warning"];
          done({
            status: response.statusCode ?? 0,
            warnings: warning === undefined ? [] : [String(warning)],
            body: text.startsWith("{") ? (JSON.parse(text) as ApiAnswer["body"]) : {},
          });
        });
      },
    );
    asked.on("timeout", () => asked.destroy(new Error("no answer within 30 s")));
    asked.on("error", fail);
    asked.end(
      body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body),
    );
  });
}
