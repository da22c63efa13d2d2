// SPDX-License-Identifier: Apache-2.0

export type Credentials =
  | { kind: "anonymous" }
  | { kind: "password"; username: string; password: string }
  /** An OAuth 2 refresh token, which Docker calls identity token. */
  | { kind: "identityToken"; username: string; token: string };
