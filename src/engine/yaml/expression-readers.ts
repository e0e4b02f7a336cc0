import type { ExpressionProblem } from '../expression/expression.js';
import { parseExpression } from '../expression/expression-parser.js';
import { isTemplate, parseTemplate } from '../expression/template.js';
import { patternOrExpression, SCALAR_TYPES } from './json-schema.js';
import type { YamlPath } from './problem.js';
import type { ReadContext, Reader } from './reader.js';
import { wrongType } from './reader.js';
import { text, type TextRule } from './value-readers.js';
import { conditionsAdvice, shellInExpressionAdvice } from './when-advice.js';
import type { YamlNode } from './yaml-tree.js';

/** A text that may hold `${{ }}`; its `check` applies only when it holds none. */
export function template(rule: TextRule = {}): Reader<string> {
  const { check, pattern } = rule;
  const reader = text({
    ...rule,
    ...(pattern && { pattern: patternOrExpression(pattern) }),
    check: (value) => (isTemplate(value) ? undefined : check?.(value)),
  });
  return {
    expects: reader.expects,
    schema: reader.schema,
    read: (node, path, context) => {
      const value = reader.read(node, path, context);
      return value === undefined || checkTemplate(value, node, path, context) ? value : undefined;
    },
  };
}

/** Notes a text's expressions in the context and tells their mistakes; true when there are none. */
export function checkTemplate(
  value: string,
  node: YamlNode,
  path: YamlPath,
  context: ReadContext,
): boolean {
  if (!isTemplate(value)) return true;
  const parsed = parseTemplate(value);
  const use = { kind: 'template', text: value, path, node } as const;
  if (parsed.ok) {
    context.expressions.push(use);
    return true;
  }
  tell(parsed.problems, node, 0, path, context);
  return false;
}

const WHEN = 'an expression';

/** The expression of `when`, without `${{ }}` (which may be written around the whole). */
export const whenExpression: Reader<string> = {
  expects: WHEN,
  schema: { type: SCALAR_TYPES },
  read: (node, path, context) => {
    if (node.kind !== 'scalar' || node.value === null) {
      return wrongType(node, path, context, WHEN, conditionsAdvice(node));
    }
    const wrapped = /^\s*\$\{\{([^]*)\}\}\s*$/.exec(node.text);
    const inner = wrapped?.[1];
    const isWhole = inner !== undefined && !inner.includes('${{') && !inner.includes('}}');
    if (!isWhole && isTemplate(node.text)) {
      const message = '"when" is one expression, not a text with expressions in it.';
      const at = { path, offset: offsetInText(context, node, node.text.indexOf('${{')) };
      context.error('unexpected_token', message, at, 'Remove ${{ and }}');
      return undefined;
    }
    const source = isWhole ? inner : node.text;
    const skipped = isWhole ? node.text.indexOf('${{') + 3 : 0;
    const parsed = parseExpression(source);
    if (!parsed.ok) {
      const advice = shellInExpressionAdvice(source);
      const problems = parsed.problems.map((problem) =>
        advice !== undefined && problem.code === 'unexpected_character'
          ? { ...problem, suggestion: advice }
          : problem,
      );
      tell(problems, node, skipped, path, context);
      return undefined;
    }
    context.expressions.push({ kind: 'when', text: source, path, node, skipped });
    return source.trim();
  },
};

function tell(
  problems: readonly ExpressionProblem[],
  node: YamlNode,
  skipped: number,
  path: YamlPath,
  context: ReadContext,
): void {
  for (const { code, message, offset, suggestion } of problems) {
    const at = { path, offset: offsetInText(context, node, skipped + offset) };
    context.error(code, message, at, suggestion);
  }
}

/**
 * Where the character `index` of a scalar's value stands in the document. Exact unless a line break
 * or an escape comes before it on its line; then the start of the value's line, at worst of the
 * value.
 */
export function offsetInText(
  context: { readonly source: { readonly text: string } },
  node: YamlNode,
  index: number,
): number {
  if (node.kind !== 'scalar') return node.start;
  const raw = context.source.text.slice(node.start, node.end);
  const value = node.text;
  const quote = raw.startsWith('"') || raw.startsWith("'") ? 1 : 0;
  if (raw.startsWith(value, quote)) return node.start + quote + index;
  const lineStart = value.lastIndexOf('\n', index - 1) + 1;
  const lineEnd = value.indexOf('\n', index);
  const line = value.slice(lineStart, lineEnd < 0 ? value.length : lineEnd);
  const repeats = countBefore(value, line, lineStart);
  const found = nthIndexOf(raw, line, repeats);
  if (line.trim() !== '' && found >= 0) return node.start + found + (index - lineStart);
  const before = value.slice(0, index);
  const nearest = before.lastIndexOf('${{');
  if (nearest < 0) return node.start;
  const opening = nthIndexOf(raw, '${{', countBefore(value, '${{', nearest));
  if (opening < 0) return node.start;
  const isSame = raw.startsWith(value.slice(nearest, index), opening);
  return node.start + opening + (isSame ? index - nearest : 0);
}

function countBefore(text: string, part: string, end: number): number {
  if (part === '') return 0;
  let count = 0;
  for (let at = text.indexOf(part); at >= 0 && at < end; at = text.indexOf(part, at + 1))
    count += 1;
  return count;
}

function nthIndexOf(text: string, part: string, n: number): number {
  let at = text.indexOf(part);
  for (let left = n; left > 0 && at >= 0; left--) at = text.indexOf(part, at + 1);
  return at;
}
