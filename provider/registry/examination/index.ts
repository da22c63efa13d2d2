// SPDX-License-Identifier: Apache-2.0
export { CHECKS, type Answer, type Check, type Finding } from "./finding";
export { examineRegistry, examineRepository } from "./reading";
export { examineByWriting, type Examination } from "./writing";
