// SPDX-License-Identifier: Apache-2.0
import { ConsignError, ERROR_CODES } from "../errors";
import { COMMANDS, FORMS } from "./commands";
import type { Flags } from "./command-line";
import { didYouMean } from "./nearest";
import { formOf, type OptionName } from "./options";
import type { ExitCode, World } from "./world";

/** By shell. Nothing but our own names and words is in these scripts. */
const SCRIPTS: ReadonlyMap<string, () => string> = new Map([
  ["bash", bash],
  ["zsh", zsh],
  ["fish", fish],
]);
export const SHELLS: readonly string[] = [...SCRIPTS.keys()];

/** `consign completion`: a script for a shell, made of the tables of commands, options and codes. */
export function completion(shell: string, _flags: Flags, world: World): Promise<ExitCode> {
  const script = SCRIPTS.get(shell);
  if (script === undefined)
    return Promise.reject(
      new ConsignError(
        "INPUT_INVALID",
        `there is no completion for "${shell}": for ${SHELLS.join(", ")} there is${didYouMean(shell, SHELLS)}`,
      ),
    );
  world.print(script());
  return Promise.resolve(0);
}

const CODES = Object.keys(ERROR_CODES).join(" ");
/** Words that follow a command's name and are known beforehand. */
const OPERANDS: readonly (readonly [string, string])[] = [
  ["explain", CODES],
  ["completion", SHELLS.join(" ")],
  ["help", COMMANDS.join(" ")],
];
const ALL = [...COMMANDS, "help"].join(" ");

function optionsOf(command: (typeof COMMANDS)[number]): OptionName[] {
  return [...FORMS[command].options, "help"];
}

function bash(): string {
  const paths = namesWithPath("file");
  const directories = namesWithPath("directory");
  return `# bash completion for consign: source <(consign completion bash)
_consign() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" command="\${COMP_WORDS[1]}"
  COMPREPLY=()
  case "$before" in
    ${paths.join("|")}) COMPREPLY=($(compgen -f -- "$word")); return ;;
    ${directories.join("|")}) COMPREPLY=($(compgen -d -- "$word")); return ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${ALL} --help --version" -- "$word"))
    return
  fi
  case "$command" in
${COMMANDS.map((name) => `    ${name}) COMPREPLY=($(compgen -W "${bashWords(name)}" -- "$word")) ;;`).join("\n")}
    help) COMPREPLY=($(compgen -W "${COMMANDS.join(" ")}" -- "$word")) ;;
  esac
}
complete -o default -F _consign consign`;
}

function bashWords(command: (typeof COMMANDS)[number]): string {
  const operands = OPERANDS.filter(([name]) => name === command).map(([, words]) => words);
  return [...operands, ...optionsOf(command).map((name) => `--${name}`)].join(" ");
}

function namesWithPath(path: "file" | "directory"): string[] {
  const names = new Set(COMMANDS.flatMap(optionsOf));
  return [...names].filter((name) => formOf(name).path === path).map((name) => `--${name}`);
}

function zsh(): string {
  return `#compdef consign
# zsh completion for consign: put it into a directory of $fpath as _consign
_consign() {
  local -a commands
  commands=(
${COMMANDS.map((name) => `    ${quoted(`${name}:${FORMS[name].says}`)}`).join("\n")}
    'help:tells how to use a command'
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command="$words[2]"
  shift words
  (( CURRENT-- ))
  case "$command" in
${COMMANDS.map((name) => `    ${name}) _arguments ${zshArguments(name)} ;;`).join("\n")}
    help) _arguments ${quoted(`1:command:(${COMMANDS.join(" ")})`)} ;;
  esac
}
if [ "$funcstack[1]" = "_consign" ]; then _consign "$@"; else compdef _consign consign; fi`;
}

function zshArguments(command: (typeof COMMANDS)[number]): string {
  const operands = OPERANDS.filter(([name]) => name === command).map(([, words]) =>
    quoted(`1:word:(${words})`),
  );
  const options = optionsOf(command).map((name) => {
    const { says, value, path, multiple } = formOf(name);
    const many = multiple === true ? "*" : "";
    const action = path === undefined ? "" : path === "file" ? "_files" : "_files -/";
    return quoted(
      `${many}--${name}[${says.replace(/[[\]:\\]/g, "\\$&")}]${value === undefined ? "" : `:${value}:${action}`}`,
    );
  });
  return [...options, ...operands].join(" ");
}

function fish(): string {
  const only = (name: string) => `-n ${quoted(`__fish_seen_subcommand_from ${name}`)}`;
  return [
    "# fish completion for consign: put it into ~/.config/fish/completions/consign.fish",
    ...COMMANDS.map(
      (name) =>
        `complete -c consign -n __fish_use_subcommand -f -a ${name} -d ${quoted(FORMS[name].says)}`,
    ),
    `complete -c consign -n __fish_use_subcommand -f -a help -d 'tells how to use a command'`,
    ...OPERANDS.map(([name, words]) => `complete -c consign ${only(name)} -f -a ${quoted(words)}`),
    ...COMMANDS.flatMap((command) =>
      optionsOf(command).map((name) => {
        const { says, value, path } = formOf(name);
        const takes = value === undefined ? "" : path === undefined ? " -x" : " -r";
        return `complete -c consign ${only(command)} -l ${name}${takes} -d ${quoted(says)}`;
      }),
    ),
  ].join("\n");
}

/** In single quotes, as all three shells read them; fish alone minds a backslash in them. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "’")}'`;
}
