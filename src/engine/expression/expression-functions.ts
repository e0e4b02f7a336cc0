import { LRUCache } from 'lru-cache';
import { RE2JS, RE2JSException } from 're2js';
import { valueOf } from '../../common/values/name-record.js';
import {
  EXPRESSION_LIMITS,
  type ExpressionProblemCode,
  type ExpressionValue,
} from './expression.js';
import { looselyEqual, readProperty, toJson, toText } from './expression-values.js';

/** The problem of one call, without its place. */
export interface CallProblem {
  readonly code: ExpressionProblemCode;
  readonly message: string;
  readonly suggestion?: string;
}

export type CallResult =
  | { readonly ok: true; readonly value: ExpressionValue }
  | { readonly ok: false; readonly problem: CallProblem };

interface PureFunction {
  readonly min: number;
  readonly max: number;
  readonly usage: string;
  readonly call: (args: readonly ExpressionValue[]) => CallResult;
}

const MANY = 100;

/** The functions that need nothing but their arguments. */
const PURE_FUNCTIONS: Readonly<Record<string, PureFunction>> = {
  contains: {
    min: 2,
    max: 2,
    usage: 'contains(text or list, item)',
    call: ([within = null, item = null]) => answer(contains(within, item)),
  },
  startsWith: {
    min: 2,
    max: 2,
    usage: 'startsWith(text, start)',
    call: ([text = null, start = null]) => answer(toText(text).startsWith(toText(start))),
  },
  endsWith: {
    min: 2,
    max: 2,
    usage: 'endsWith(text, end)',
    call: ([text = null, end = null]) => answer(toText(text).endsWith(toText(end))),
  },
  matches: {
    min: 2,
    max: 2,
    usage: "matches(text, 'RE2 pattern')",
    call: ([text = null, pattern = null]) => matches(toText(text), toText(pattern)),
  },
  format: {
    min: 1,
    max: MANY,
    usage: "format('{0} of {1}', value, value)",
    call: ([pattern = null, ...values]) => formatText(toText(pattern), values),
  },
  join: {
    min: 1,
    max: 2,
    usage: "join(list, ', ')",
    call: ([list = null, separator = ',']) => joinTexts(list, toText(separator)),
  },
  toJSON: {
    min: 1,
    max: 1,
    usage: 'toJSON(value)',
    call: ([value = null]) => bounded(toJson(value) ?? ''),
  },
};

/** Functions that the evaluator answers from the scope. */
const SCOPE_FUNCTIONS: Readonly<Record<string, Omit<PureFunction, 'call'>>> = {
  success: { min: 0, max: 0, usage: 'success()' },
  failure: { min: 0, max: 0, usage: 'failure()' },
  always: { min: 0, max: 0, usage: 'always()' },
  cancelled: { min: 0, max: 0, usage: 'cancelled()' },
  hashFiles: { min: 1, max: MANY, usage: "hashFiles('**/package-lock.json')" },
};

/** Those that may be called; `hashFiles` comes later. */
export const SUGGESTED_FUNCTIONS: readonly string[] = [
  ...Object.keys(PURE_FUNCTIONS),
  ...Object.keys(SCOPE_FUNCTIONS),
].filter((name) => name !== 'hashFiles');

/** How a function is called, or undefined when there is none of that name. */
export function functionSignature(name: string): Omit<PureFunction, 'call'> | undefined {
  return valueOf(PURE_FUNCTIONS, name) ?? valueOf(SCOPE_FUNCTIONS, name);
}

/** Calls a function that needs no scope; undefined when `name` is not one. */
export function callPureFunction(
  name: string,
  args: readonly ExpressionValue[],
): CallResult | undefined {
  return valueOf(PURE_FUNCTIONS, name)?.call(args);
}

/** What is wrong with a pattern of `matches`, or undefined. */
export function patternProblem(pattern: string): CallProblem | undefined {
  const compiled = compilePattern(pattern);
  return 'problem' in compiled ? compiled.problem : undefined;
}

/** Is `item` in the list, in the names of the object, or within the text? */
export function contains(within: ExpressionValue, item: ExpressionValue): boolean {
  if (within === null) return false;
  if (Array.isArray(within)) {
    return (within as readonly ExpressionValue[]).some((element) => looselyEqual(element, item));
  }
  if (typeof within === 'object') {
    return typeof item === 'string' && readProperty(within, item) !== null;
  }
  return toText(within).includes(toText(item));
}

type CompiledPattern = { readonly regex: RE2JS } | { readonly problem: CallProblem };

const patterns = new LRUCache<string, CompiledPattern>({
  max: 200,
  memoMethod: (pattern) => compileFresh(pattern),
});

function compilePattern(pattern: string): CompiledPattern {
  if (pattern.length > EXPRESSION_LIMITS.patternLength) {
    const limit = String(EXPRESSION_LIMITS.patternLength);
    return {
      problem: { code: 'invalid_pattern', message: `A pattern has at most ${limit} characters.` },
    };
  }
  return patterns.memo(pattern);
}

function compileFresh(pattern: string): CompiledPattern {
  try {
    const regex = RE2JS.compile(pattern);
    if (regex.programSize() <= EXPRESSION_LIMITS.patternSize) return { regex };
    return {
      problem: {
        code: 'invalid_pattern',
        message: 'The pattern is too large: its counted repetitions multiply.',
        suggestion: 'Use smaller counts in {…}, or * and +',
      },
    };
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    const detail = error.message.replace(/^error parsing regexp: /, '');
    return {
      problem: {
        code: 'invalid_pattern',
        message: `The pattern is not RE2: ${detail}.`,
        suggestion: 'RE2 has no lookaround and no backreferences',
      },
    };
  }
}

function matches(text: string, pattern: string): CallResult {
  const compiled = compilePattern(pattern);
  if ('problem' in compiled) return { ok: false, problem: compiled.problem };
  return answer(compiled.regex.matcher(text).find());
}

/** `{0}`… are the values, `{{` and `}}` are braces. */
function formatText(pattern: string, values: readonly ExpressionValue[]): CallResult {
  let text = '';
  let at = 0;
  for (const match of pattern.matchAll(/\{\{|\}\}|\{([0-9]{1,3})\}|[{}]/g)) {
    text += pattern.slice(at, match.index);
    at = match.index + match[0].length;
    const index = match[1] === undefined ? undefined : Number(match[1]);
    if (index !== undefined && index < values.length) text += toText(values[index] ?? null);
    else if (match[0] === '{{' || match[0] === '}}') text += match[0].charAt(0);
    else {
      const found = `format() has no value for "${match[0]}".`;
      return refuse('invalid_format', found, 'Number values from {0}; write {{ or }} for a brace');
    }
    if (text.length > EXPRESSION_LIMITS.producedLength) return tooLarge();
  }
  return bounded(text + pattern.slice(at));
}

function joinTexts(list: ExpressionValue, separator: string): CallResult {
  if (!Array.isArray(list)) return bounded(toText(list));
  let text = '';
  for (const [index, item] of (list as readonly ExpressionValue[]).entries()) {
    text += (index === 0 ? '' : separator) + toText(item);
    if (text.length > EXPRESSION_LIMITS.producedLength) return tooLarge();
  }
  return answer(text);
}

function bounded(text: string): CallResult {
  return text.length > EXPRESSION_LIMITS.producedLength ? tooLarge() : answer(text);
}

function tooLarge(): CallResult {
  return refuse('value_too_large', 'An expression makes at most 1 MiB of text.');
}

function answer(value: ExpressionValue): CallResult {
  return { ok: true, value };
}

function refuse(code: ExpressionProblemCode, message: string, suggestion?: string): CallResult {
  return {
    ok: false,
    problem: { code, message, ...(suggestion === undefined ? {} : { suggestion }) },
  };
}
