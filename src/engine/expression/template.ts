import { LRUCache } from 'lru-cache';
import { EXPRESSION_LIMITS, type Expression, type ExpressionProblem } from './expression.js';
import { evaluateExpression } from './expression-evaluator.js';
import { parseExpression } from './expression-parser.js';
import { toText } from './expression-values.js';
import type { Scope } from './scope.js';

/** A text with its `${{ }}` parsed. `$${{` is a literal `${{`. */
export interface Template {
  readonly source: string;
  /** In order; adjacent texts are one part. */
  readonly parts: readonly TemplatePart[];
}

export type TemplatePart =
  | { readonly kind: 'text'; readonly text: string }
  /** `offset` is where the expression's source begins in the template. */
  | { readonly kind: 'expression'; readonly expression: Expression; readonly offset: number };

export type TemplateParse =
  | { readonly ok: true; readonly template: Template }
  | { readonly ok: false; readonly problems: readonly ExpressionProblem[] };

export type RenderedTemplate =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problems: readonly ExpressionProblem[] };

/** A template that cannot become a text: its first problem. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
  readonly code: ExpressionProblem['code'];

  constructor(readonly problem: ExpressionProblem) {
    super(problem.message);
    this.code = problem.code;
  }
}

const OPENING = '${{';
const CACHED_LENGTH = 16_384;
const cache = new LRUCache<string, TemplateParse>({
  max: 1_000,
  memoMethod: (text) => parseFresh(text),
});

/** True when the text holds `${{`: others are themselves and need no parsing. */
export function isTemplate(text: string): boolean {
  return text.includes(OPENING);
}

/**
 * Parses every `${{ }}` of a text and answers all their problems, with offsets in the text. Never
 * throws.
 */
export function parseTemplate(text: string): TemplateParse {
  if (!isTemplate(text)) {
    return { ok: true, template: { source: text, parts: [{ kind: 'text', text }] } };
  }
  if (text.length > CACHED_LENGTH) return parseFresh(text);
  return cache.memo(text);
}

/**
 * The text with every expression replaced by its value (null is '', lists and objects are JSON), or
 * what could only be seen now: `value_too_large` (over 1 MiB), `invalid_pattern`, `ambiguous_step`,
 * `hash_files_failed`. Never throws.
 */
export function renderTemplate(template: Template, scope: Scope): RenderedTemplate {
  const problems: ExpressionProblem[] = [];
  let text = '';
  let limit = Math.max(EXPRESSION_LIMITS.producedLength, template.source.length);
  for (const part of template.parts) {
    if (part.kind === 'text') {
      text += part.text;
      continue;
    }
    const result = evaluateExpression(part.expression, scope);
    problems.push(...shift(result.problems, part.offset));
    const value = toText(result.value);
    limit -= value.length;
    if (limit < 0) {
      const message = 'A text with expressions has at most 1 MiB.';
      problems.push({ code: 'value_too_large', message, offset: part.offset });
      break;
    }
    text += value;
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, text };
}

/**
 * `renderTemplate` for callers that have no use for the problems: throws `TemplateError` with the
 * first one.
 */
export function evaluateTemplate(template: Template, scope: Scope): string {
  const rendered = renderTemplate(template, scope);
  if (rendered.ok) return rendered.text;
  const [problem] = rendered.problems;
  throw new TemplateError(
    problem ?? { code: 'unexpected_token', message: 'The text cannot be evaluated.', offset: 0 },
  );
}

function parseFresh(source: string): TemplateParse {
  const parts: TemplatePart[] = [];
  const problems: ExpressionProblem[] = [];
  let literal = '';
  let at = 0;
  for (;;) {
    const opening = source.indexOf(OPENING, at);
    if (opening < 0) break;
    if (opening > at && source.charAt(opening - 1) === '$') {
      literal += source.slice(at, opening - 1) + OPENING;
      at = opening + OPENING.length;
      continue;
    }
    literal += source.slice(at, opening);
    const start = opening + OPENING.length;
    const end = closingOf(source, start);
    if (end === undefined) {
      problems.push(unclosed(opening));
      at = source.length;
      break;
    }
    const parsed = parseExpression(source.slice(start, end));
    if (parsed.ok) {
      if (literal !== '') parts.push({ kind: 'text', text: literal });
      literal = '';
      parts.push({ kind: 'expression', expression: parsed.expression, offset: start });
    } else {
      problems.push(...shift(parsed.problems, start));
    }
    at = end + 2;
  }
  if (problems.length > 0) return { ok: false, problems };
  literal += source.slice(at);
  if (literal !== '') parts.push({ kind: 'text', text: literal });
  return { ok: true, template: { source, parts } };
}

/**
 * Where `}}` begins, quoted texts skipped. An open quote ends the search at the next `}}`, so that
 * the text's own problem is reported.
 */
function closingOf(source: string, start: number): number | undefined {
  const limit = Math.min(source.length, start + EXPRESSION_LIMITS.sourceLength + 2);
  let quote: string | undefined;
  for (let at = start; at < limit; at++) {
    const char = source.charAt(at);
    if (quote !== undefined) {
      if (char === '\\' && quote === '"') at += 1;
      else if (char === quote) quote = undefined;
    } else if (char === "'" || char === '"') {
      quote = char;
    } else if (char === '}' && source.charAt(at + 1) === '}') {
      return at;
    }
  }
  const fallback = source.indexOf('}}', start);
  return fallback < 0 ? undefined : fallback;
}

function unclosed(offset: number): ExpressionProblem {
  return {
    code: 'unclosed_expression',
    message: 'A "${{" has no "}}".',
    offset,
    suggestion: 'Add "}}", or write "$${{" for the characters themselves',
  };
}

function shift(problems: readonly ExpressionProblem[], by: number): ExpressionProblem[] {
  return problems.map((problem) => ({ ...problem, offset: problem.offset + by }));
}
