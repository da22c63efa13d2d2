// SPDX-License-Identifier: Apache-2.0
import { COMMANDS, FORMS, type CommandName } from "./commands";
import { formOf, GROUPS, OPTION_NAMES, type OptionName } from "./options";

const WIDTH = 116;
const COLUMN = 22;

const EXITS = [
  "0  verified; for claims, tree and timeline without a trust policy: all that is there is whole, and nobody is called trusted",
  "1  not verified, or something is broken",
  "2  could not tell, or the command line is wrong",
];

const REFERENCE = "REFERENCE is host[:port]/repository or oci:directory, with :tag or @digest.";

/** `consign --help`. */
export function generalHelp(): string {
  return [
    "Usage: consign <command> REFERENCE [options]",
    "       consign help <command>",
    "",
    "Commands",
    ...COMMANDS.flatMap((name) => entry(name, FORMS[name].says, 12)),
    "",
    REFERENCE,
    ...GROUPS.flatMap((group) =>
      section(
        group,
        OPTION_NAMES.filter((name) => formOf(name).group === group),
        forCommands,
      ),
    ),
    "",
    "Exit codes",
    ...EXITS.map((line) => `  ${line}`),
  ].join("\n");
}

/** `consign help verify`, `consign verify --help`. */
export function helpOf(command: CommandName): string {
  const { operands, says, options, examples, exits } = FORMS[command];
  const taken: OptionName[] = [...options, "help"];
  return [
    `Usage: consign ${command} ${operands}${options.length === 0 ? "" : " [options]"}`,
    "",
    `It ${says}.`,
    ...(operands.includes("REFERENCE") ? ["", REFERENCE] : []),
    ...GROUPS.flatMap((group) =>
      section(
        group,
        taken.filter((name) => formOf(name).group === group),
        () => "",
      ),
    ),
    "",
    "Exit codes",
    ...(exits ?? EXITS).map((line) => `  ${line}`),
    "",
    "Examples",
    ...examples.map((line) => `  ${line}`),
  ].join("\n");
}

function section(
  title: string,
  names: readonly OptionName[],
  before: (name: OptionName) => string,
): string[] {
  if (names.length === 0) return [];
  return [
    "",
    title,
    ...names.flatMap((name) => {
      const { value, says, short } = formOf(name);
      const left = `${short === undefined ? "" : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;
      return entry(left, before(name) + says, COLUMN);
    }),
  ];
}

/** Which commands take it, where only a few do. */
function forCommands(name: OptionName): string {
  const takers = takersOf(name);
  return takers.length === 0 || takers.length > 2 ? "" : `${takers.join(" and ")}: `;
}

/** The commands that take an option; none for those that all take. */
export function takersOf(name: OptionName): CommandName[] {
  if (name === "help" || name === "version") return [];
  return COMMANDS.filter((command) => FORMS[command].options.includes(name));
}

function entry(left: string, says: string, column: number): string[] {
  const lines = wrapped(says, WIDTH - column - 2);
  return lines.map((line, at) => `  ${(at === 0 ? left : "").padEnd(column - 1)} ${line}`);
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
