/**
 * Variables whose text a shell may evaluate as an arithmetic expression, in which `a[$(…)]` runs a
 * command.
 */
export interface Evaluated {
  has(name: string): boolean;
  /** Whether the text defines a function of this name. */
  defines(name: string): boolean;
}

/** In the place of a name: `$1`, `$@` and their like, which `set --` sets. */
export const POSITIONAL = '$';

const DECLARES = /\b(?:declare|typeset|local|readonly|export)\b/;
/** `-i`; and `-n`, by which the value of a variable is the name of another one. */
const INTEGER_OPTION = /\s[-+][A-Za-z]*i/;
const NAMEREF = /\b(?:declare|typeset|local)\s+(?:[-+]\w+\s+)*-[A-Za-z]*n/;
const USES_POSITIONAL = /\$\{?!?[1-9@*]/;
const COMPARES_NUMBERS = /\s-(?:eq|ne|lt|le|gt|ge|v)\s/;
/** A subscript, an indirection, a part of a text, a text as a prompt, and what takes names. */
const EVALUATES =
  /[\w$]\[|\$\{!|\$\{\w+:[^-+=?]|\]:[^-+=?]|@P\}|\b(?:let|declare|typeset|unset|read)\b|\s-v\s/;

/** Take names of variables, and what follows `=` in one word as their values. */
const TAKES_NAMES =
  /\b(?:declare|typeset|local|readonly|export|unset|read|mapfile|readarray|getopts)\b|(?:\bprintf|\btest|\[)\s+-v\s/;
const POSITIONAL_BEGINS_WORD = /\s["']?\$\{?!?[1-9@*]/;
/** May run what they are given as a program or as its text. */
const RUNS_WORDS =
  /\b(?:eval|source|trap|exec|command|builtin|xargs|env|sudo|su|ssh|find|git|(?:ba|da|k|z|fi)?sh|python[\d.]*|perl|ruby|node|awk|sed)\b|(?:^|[\s;&|({])\.\s/;
/** Is the program itself: `"$@"`. */
const POSITIONAL_RUNS = /(?:^|[;&|({]|\b(?:then|do|else)\s)\s{0,9}["']?\$\{?!?[1-9@*]/;
const FUNCTION = /(?:^|[\s;&|({])(?:function\s+([^\s;&|(){}]+)|([^\s;&|(){}$"'`=]+)\s*\(\s*\))/g;

/**
 * Those of a text, by lines: what is taken here too much costs a refusal only. In time that grows
 * as the text does.
 */
export function evaluatedNames(text: string): Evaluated {
  const whole = text.replaceAll('\\\n', ' ');
  const isInteger = (part: string): boolean =>
    (DECLARES.test(part) && INTEGER_OPTION.test(part)) || NAMEREF.test(part);
  const functions = new Set<string>();
  for (const [, first, second] of whole.matchAll(FUNCTION)) functions.add(first ?? second ?? '');
  const defines = (name: string): boolean => functions.has(name);
  if (whole.split(/[\n;&|]/).some(isInteger)) return { has: () => true, defines };
  const names = new Set<string>();
  const open = { arithmetic: false, condition: false };
  for (const line of whole.split('\n')) {
    open.arithmetic ||= line.includes('((');
    open.condition ||= line.includes('[[');
    const compares = open.condition && COMPARES_NUMBERS.test(`${line} `);
    if (open.arithmetic || compares || EVALUATES.test(line)) {
      for (const [name] of line.matchAll(/[A-Za-z_]\w*/g)) names.add(name);
      if (USES_POSITIONAL.test(line)) names.add(POSITIONAL);
    }
    if (usesPositionalAsCode(line)) names.add(POSITIONAL);
    if (line.includes('))')) open.arithmetic = false;
    if (line.includes(']]')) open.condition = false;
  }
  return { has: (name) => names.has(name), defines };
}

/** As code, as the name of a variable, or as a program and its words. */
function usesPositionalAsCode(line: string): boolean {
  const behind = (text: string, word: RegExp, use: RegExp): boolean => {
    const at = text.search(word);
    return at >= 0 && use.test(text.slice(at));
  };
  return (
    POSITIONAL_RUNS.test(line) ||
    line.split(/[;&|]/).some((part) => behind(part, TAKES_NAMES, POSITIONAL_BEGINS_WORD)) ||
    behind(line, RUNS_WORDS, USES_POSITIONAL)
  );
}
