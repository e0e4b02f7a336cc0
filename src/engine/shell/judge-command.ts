import { POSITIONAL, type Evaluated } from './evaluated-names.js';
import {
  HARMLESS,
  SETS_VARIABLES,
  TAKES_CODE,
  TAKES_CODE_BEHIND,
  WRAPPERS,
  baseName,
  interpreterOf,
  isSpecialVariable,
  runsItsArgumentAsCode,
  withoutBin,
  type Interpreter,
} from './shell-programs.js';
import {
  assignedName,
  expressionsOf,
  literalOf,
  staysOneWord,
  type Refusal,
  type SimpleCommand,
  type Word,
} from './shell-tree.js';

/**
 * Answers why a word of a command cannot hold a value; undefined = it can. Asked only for words
 * with expressions.
 */
type WordRule = (word: Word, index: number) => Refusal | undefined;

/**
 * More in one command are not looked at: what a value is to it is found by comparing words with
 * words.
 */
const MAX_WORDS = 300;

const PROGRAM: Refusal = { kind: 'program' };
const UNQUOTED: Refusal = { kind: 'unquoted' };
const fine: WordRule = () => undefined;
const code = (program: string): Refusal => ({ kind: 'code', program });

/**
 * Why the expressions of a simple command cannot be filled in, by their numbers; those that are not
 * in it can.
 */
export function refusalsOf(
  { assignments, words }: SimpleCommand,
  evaluated: Evaluated,
): Map<number, Refusal> {
  const refusals = new Map<number, Refusal>();
  const refuse = (word: Word, refusal: Refusal | undefined): void => {
    if (refusal === undefined) return;
    for (const number of expressionsOf(word)) refusals.set(number, refusal);
  };
  for (const word of assignments) refuse(word, assignmentRefusal(word, evaluated));
  if (!words.some((word) => expressionsOf(word).length > 0)) return refusals;
  const rule = ruleOf(words, evaluated);
  for (const [index, word] of words.entries()) {
    if (expressionsOf(word).length > 0) refuse(word, rule(word, index));
  }
  return refusals;
}

/** Whether the command may read its standard input as code. */
export function readsCode({ words }: SimpleCommand): boolean {
  const texts = words.map((word) => literalOf(word));
  const hasXargs = texts.some((text) => text !== undefined && /^(xargs|parallel)$/.test(text));
  const isLong = words.length > MAX_WORDS;
  const at = programAt(words);
  if (at === 0 && takesValuesOnly(words)) return false;
  return texts.some((text, index) => {
    if (text === undefined) return index === 0 && programName(words[0]) === undefined;
    // Builtins run only where the program stands; elsewhere `.` is the folder: `docker build .`.
    if (/^(eval|source|\.)$/.test(text)) return at === undefined || index === at;
    const name = index === at ? baseName(text) : withoutBin(text);
    if (/^(ssh|at|batch|crontab|su|ed|ex)$/.test(name)) return true;
    const kind = /^g?sed$/.test(baseName(text)) ? 'sed' : interpreterOf(text);
    if (kind === undefined) return false;
    return isLong || interpreterReads(kind, texts.slice(index + 1), hasXargs);
  });
}

/** Whether one that the texts follow takes its program from its input. */
function interpreterReads(
  kind: Interpreter | 'sed',
  texts: readonly (string | undefined)[],
  hasXargs: boolean,
): boolean {
  if (kind === 'sed') return readsProgram(texts, /^(?:-[A-Za-z]*f|--file=?)(.*)$/);
  if (kind === 'awk') return readsProgram(texts, /^(?:-[fE]|--file=?|--exec=?)(.*)$/);
  if (hasXargs) return true;
  const { operand, code } = operandOf(texts, kind);
  return !(operand < texts.length && code >= texts.length) && !hasCodeText(texts, kind);
}

/** Its words are values, whatever they say, and it does not read. */
function takesValuesOnly([first]: readonly Word[]): boolean {
  const program = programName(first) ?? '';
  return HARMLESS.has(program) || SETS_VARIABLES.has(program) || /^(printf|test|\[)$/.test(program);
}

/** `sed -f -`, `awk -f /dev/stdin`: its program comes from its input, or may. */
function readsProgram(texts: readonly (string | undefined)[], option: RegExp): boolean {
  return texts.some((text, index) => {
    const attached = option.exec(text ?? '')?.[1];
    if (attached === undefined) return false;
    const file = attached === '' ? texts[index + 1] : attached;
    return file === undefined || /^(-$|\/dev\/|\/proc\/)/.test(file);
  });
}

/** `-c 'text'`, `-e 'text'`: then its input is data. */
function hasCodeText(texts: readonly (string | undefined)[], interpreter: Interpreter): boolean {
  const option = interpreter === 'shell' ? /^-[aefux]*c$/ : /^-[A-Za-z]*[ce]$/;
  const at = texts.findIndex((text) => option.test(text ?? ''));
  return at >= 0 && texts[at + 1] !== undefined;
}

function assignmentRefusal(word: Word, evaluated: Evaluated): Refusal | undefined {
  const name = assignedName(word);
  if (name === undefined) return PROGRAM;
  if (isSpecialVariable(name)) return { kind: 'special_variable', name };
  return evaluated.has(name) ? { kind: 'arithmetic' } : undefined;
}

function ruleOf(words: readonly Word[], evaluated: Evaluated): WordRule {
  if (words.length > MAX_WORDS) return () => ({ kind: 'long' });
  const at = programAt(words);
  if (at === undefined) return () => PROGRAM;
  const program = programName(words[at]);
  if (program === undefined || /^[-+]/.test(program)) return () => PROGRAM;
  const args = ownRule(program, words, at, evaluated);
  const wrapped = at > 0;
  return (word, index) => {
    if (index <= at) return PROGRAM;
    if (wrapped && !staysOneWord(word)) return UNQUOTED;
    return args(word, index);
  };
}

/**
 * Where the word stands that names what really runs, behind `sudo`, `timeout 60` and their like;
 * undefined = not sure.
 */
function programAt(words: readonly Word[]): number | undefined {
  let at = 0;
  for (;;) {
    const wrapper = programName(words[at]) ?? '';
    if (!WRAPPERS.has(wrapper)) break;
    at += 1;
    for (; at < words.length; at++) {
      const text = literalOf(words[at] ?? { pieces: [] });
      if (text === undefined) return undefined;
      if (/^(-[EHinr0]|--[a-z-]+=.*|\d[\d.]*[smhd]?|[A-Za-z_]\w*=.*)$/.test(text)) continue;
      break;
    }
    if (wrapper === 'flock' && isLockFile(words[at], words[at - 1])) at += 1;
  }
  return at < words.length ? at : undefined;
}

/** Of `flock`: it stands before the program, or before `-c` and a text for a shell. */
function isLockFile(word: Word | undefined, before: Word | undefined): boolean {
  const isDescriptor = /^\d+$/.test(before ? (literalOf(before) ?? '') : '');
  return !isDescriptor && word !== undefined && !(literalOf(word) ?? '').startsWith('-');
}

/** The last part of its path, if that is text: `"$JAVA_HOME/bin/java"` is `java`. */
function programName(word: Word | undefined): string | undefined {
  if (word === undefined || expressionsOf(word).length > 0) return undefined;
  const whole = literalOf(word);
  if (whole !== undefined) return baseName(whole);
  const last = word.pieces.at(-1);
  const text = last?.kind === 'text' ? last.text : '';
  return text.includes('/') ? baseName(text) : undefined;
}

function ownRule(
  program: string,
  words: readonly Word[],
  at: number,
  evaluated: Evaluated,
): WordRule {
  if (TAKES_CODE.has(program) || program === '[[') return () => code(program);
  if (HARMLESS.has(program)) return fine;
  if (program === 'printf') return printfRule(words, at);
  if (program === 'test' || program === '[') return testRule(program, words.slice(at + 1));
  if (program === 'set') {
    if (literalOf(words[at + 1] ?? { pieces: [] }) !== '--') return () => code(program);
    return evaluated.has(POSITIONAL) ? () => ({ kind: 'arithmetic' }) : fine;
  }
  if (SETS_VARIABLES.has(program)) {
    return (word) => (staysOneWord(word) ? assignmentRefusal(word, evaluated) : UNQUOTED);
  }
  // Its arguments are the positional parameters of what the text itself says.
  if (evaluated.defines(program) && evaluated.has(POSITIONAL)) return () => code(program);
  const behind = codeOptionAt(program, words, at);
  const byInterpreter = interpreterRule(words, at);
  return (word, index) => (index >= behind ? code(program) : byInterpreter(word, index));
}

/** The first word of the program behind which it takes code, or that holds it (`--exec=…`). */
function codeOptionAt(program: string, words: readonly Word[], at: number): number {
  const option = TAKES_CODE_BEHIND.get(program);
  if (option === undefined) return Infinity;
  const found = words.findIndex(
    (word, index) =>
      index > at &&
      (option.test(beginningOf(word)) || (program === 'git' && isGitKey(words, index))),
  );
  return found < 0 ? Infinity : found;
}

/** Where `git -c` takes a whole setting from the run, its name included. */
function isGitKey(words: readonly Word[], index: number): boolean {
  const [before, word] = [words[index - 1], words[index]];
  if (before === undefined || word === undefined) return false;
  const isKey = /^(-c|--config-env|config)$/.test(literalOf(before) ?? '');
  return isKey && beginningOf(word) === '' && expressionsOf(word).length > 0;
}

/** Its text up to where the run decides it. */
function beginningOf({ pieces }: Word): string {
  const end = pieces.findIndex((piece) => piece.kind !== 'text');
  return literalOf({ pieces: end < 0 ? pieces : pieces.slice(0, end) }) ?? '';
}

/** The format must be text that is no option: `-v NAME` evaluates the name. */
function printfRule(words: readonly Word[], at: number): WordRule {
  const skipped = literalOf(words[at + 1] ?? { pieces: [] }) === '--' ? 1 : 0;
  const format = literalOf(words[at + 1 + skipped] ?? { pieces: [] });
  return format === undefined || (skipped === 0 && format.startsWith('-'))
    ? () => code('printf')
    : fine;
}

const UNARY = /^-[nzefdrwxsLh]$/;
const BINARY = /^(=|==|!=|-eq|-ne|-lt|-le|-gt|-ge|-nt|-ot)$/;

/** Only forms in which no value can be read as an operator: `-v 'a[$(id)]'` evaluates. */
function testRule(program: string, args: readonly Word[]): WordRule {
  const operands = args.slice(0, program === '[' ? -1 : undefined);
  return isPlainTest(operands) ? fine : () => code(program);
}

function isPlainTest(words: readonly Word[]): boolean {
  const [first, ...rest] = words;
  if (first === undefined) return false;
  const operands = literalOf(first) === '!' && rest.length > 0 ? rest : words;
  if (!operands.every(staysOneWord)) return false;
  const [left, operator] = operands.map((word) => literalOf(word) ?? '');
  if (operands.length === 2) return UNARY.test(left ?? '');
  return operands.length === 3 && BINARY.test(operator ?? '');
}

/**
 * Any word may name an interpreter: `docker exec web sh -c …`. What follows it must be a script and
 * its arguments.
 */
function interpreterRule(words: readonly Word[], at: number): WordRule {
  const texts = words.map((word) => literalOf(word));
  const named = words.flatMap((word, from) => {
    const text = from === at ? programName(word) : texts[from];
    if (text === undefined || from < at) return [];
    const program = baseName(text);
    if (program === 'eval' || runsItsArgumentAsCode(text)) {
      return [{ from, program, operand: Infinity, code: from }];
    }
    const interpreter = interpreterOf(text);
    if (interpreter === undefined) return [];
    const { operand, code } = operandOf(texts.slice(from + 1), interpreter);
    return [{ from, program, operand: from + 1 + operand, code: from + 1 + code }];
  });
  return (_word, index) => {
    const reader = named.find(
      (one) => one.from < index && (one.operand >= index || one.code < index),
    );
    return reader && code(reader.program);
  };
}

const FLAGS: Readonly<Record<Interpreter, RegExp>> = {
  shell: /^([-+][abefhiklmnpruvxBCEHPT]+|--|--(norc|noprofile|posix|login))$/,
  awk: /^--$/,
  language: /^(-[uBEsSIqvbwW]+|-m|--[a-z][a-z-]*(=.*)?|run)$/,
};
const TAKES_TEXT: Readonly<Record<Interpreter, RegExp>> = {
  shell: /^[-+][A-Za-z]*[cos][A-Za-z]*$|^--(rcfile|init-file|command)/,
  awk: /^-[fei]|^--(file|source|include|exec)/,
  language:
    /^-[A-Za-z0-9]*[ceEprRFnix]|^--(eval|print|exec|command|run|code|require|import|loader)/,
};

/**
 * Where the script or program text of an interpreter stands, and the first option that takes code
 * itself; Infinity = nowhere.
 */
function operandOf(
  texts: readonly (string | undefined)[],
  interpreter: Interpreter,
): { operand: number; code: number } {
  const option = texts.findIndex(
    (text) => text !== undefined && TAKES_TEXT[interpreter].test(text),
  );
  let at = 0;
  if (interpreter === 'awk') at = afterAwkOptions(texts);
  while (FLAGS[interpreter].test(texts[at] ?? '')) at += 1;
  const isOperand = texts[at] !== undefined && !/^[-+]/.test(texts[at] ?? '');
  return { operand: isOperand ? at : Infinity, code: option < 0 ? Infinity : option };
}

function afterAwkOptions(texts: readonly (string | undefined)[]): number {
  let at = 0;
  for (;;) {
    const text = texts[at];
    if (text === '-v' || text === '-F') at += 2;
    else if (text !== undefined && /^-[vF]./.test(text)) at += 1;
    else return at;
  }
}
