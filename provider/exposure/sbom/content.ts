// SPDX-License-Identifier: Apache-2.0
import type { Package } from "../packages/identity";

/** What the document says, or why that cannot be told. */
export type SbomContent = { packages: Package[]; incomplete?: string } | { unreadable: string };
