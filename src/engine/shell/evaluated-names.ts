/**
 * Variables whose text a shell may evaluate as an arithmetic expression, in which `a[$(…)]` runs a
 * command.
 */
export interface Evaluated {
  has(name: string): boolean;
}

const DECLARES = /\b(?:declare|typeset|local|readonly|export)\b/;
const INTEGER_OPTION = /\s[-+][A-Za-z]*i/;
const COMPARES_NUMBERS = /\s-(?:eq|ne|lt|le|gt|ge|v)\s/;
/** A subscript, an indirection, a part of a text, and what takes names. */
const EVALUATES =
  /[\w$]\[|\$\{!|\$\{\w+:[^-+=?]|\]:[^-+=?]|\b(?:let|declare|typeset|unset|read)\b|\s-v\s/;

/**
 * Those of a text, by lines: what is taken here too much costs a refusal only. In time that grows
 * as the text does.
 */
export function evaluatedNames(text: string): Evaluated {
  const whole = text.replaceAll('\\\n', ' ');
  const isInteger = (part: string): boolean => DECLARES.test(part) && INTEGER_OPTION.test(part);
  if (whole.split(/[\n;&|]/).some(isInteger)) return { has: () => true };
  const names = new Set<string>();
  const open = { arithmetic: false, condition: false };
  for (const line of whole.split('\n')) {
    open.arithmetic ||= line.includes('((');
    open.condition ||= line.includes('[[');
    const compares = open.condition && COMPARES_NUMBERS.test(`${line} `);
    if (open.arithmetic || compares || EVALUATES.test(line)) {
      for (const [name] of line.matchAll(/[A-Za-z_]\w*/g)) names.add(name);
    }
    if (line.includes('))')) open.arithmetic = false;
    if (line.includes(']]')) open.condition = false;
  }
  return names;
}
