// SPDX-License-Identifier: Apache-2.0
import type { Descriptor } from "../../provider/oci/descriptor";
import type { Life } from "../harness/life";
import type { Stage } from "./scene";

/** A thing at a place that must be there whatever happens, with all that it needs or that refers to it. */
export interface Needed {
  repository: string;
  digest: string;
}

export interface RemovalScene {
  life: Life;
  /** What is removed, or given the chance to be. */
  run(life: Life): Promise<unknown>;
  /** The same again, where that is another call. @default run */
  again?(life: Life, round: number): Promise<unknown>;
  needed: Needed[];
  /** What goes where nothing is wrong: the safe answer is not "never". */
  due: Needed[];
  /** Tags that must stay where they are. */
  tags?: { repository: string; tag: string }[];
  /** What a lying list names. */
  foreign: Descriptor;
  /** Destroys cannot be run again once they have succeeded. */
  destroys?: boolean;
}

export type Setting = (stage: Stage) => Promise<RemovalScene>;
