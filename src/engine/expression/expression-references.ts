import {
  STATUS_FUNCTIONS,
  type Expression,
  type ExpressionNode,
  type ExpressionRoot,
  type StatusFunction,
} from './expression.js';
import type { Template } from './template.js';

/**
 * One use of a root: `steps['unit (20)'].outputs.x` is `{ root: 'steps', path: ['unit (20)',
 * 'outputs', 'x'] }`.
 */
export interface Reference {
  readonly root: ExpressionRoot;
  /** Up to the first key that only an evaluation knows. */
  readonly path: readonly string[];
  /** The path ends before such a key. */
  readonly open: boolean;
  /** In the text that was parsed. */
  readonly offset: number;
}

export interface References {
  readonly references: readonly Reference[];
  /** Empty = a `when` of it means `success() && (…)`. */
  readonly statusFunctions: ReadonlySet<StatusFunction>;
  readonly functions: ReadonlySet<string>;
}

/** What an expression reads and calls, without evaluating it. */
export function expressionReferences(expression: Expression): References {
  const references: Reference[] = [];
  const functions = new Set<string>();
  visit(expression.node, references, functions);
  return collect(references, functions);
}

/** The same over all expressions of a template, with offsets in the template's text. */
export function templateReferences(template: Template): References {
  const references: Reference[] = [];
  const functions = new Set<string>();
  for (const part of template.parts) {
    if (part.kind !== 'expression') continue;
    const found: Reference[] = [];
    visit(part.expression.node, found, functions);
    references.push(...found.map((one) => ({ ...one, offset: one.offset + part.offset })));
  }
  return collect(references, functions);
}

function collect(references: readonly Reference[], functions: ReadonlySet<string>): References {
  const statusFunctions = new Set(STATUS_FUNCTIONS.filter((name) => functions.has(name)));
  return { references, statusFunctions, functions };
}

function visit(node: ExpressionNode, references: Reference[], functions: Set<string>): void {
  switch (node.kind) {
    case 'literal':
      return;
    case 'array':
      for (const item of node.items) visit(item, references, functions);
      return;
    case 'call':
      functions.add(node.name);
      for (const arg of node.args) visit(arg, references, functions);
      return;
    case 'not':
      visit(node.operand, references, functions);
      return;
    case 'binary':
      visit(node.left, references, functions);
      visit(node.right, references, functions);
      return;
    case 'root':
    case 'index':
      visitReference(node, references, functions);
  }
}

function visitReference(
  node: ExpressionNode,
  references: Reference[],
  functions: Set<string>,
): void {
  const keys: ExpressionNode[] = [];
  let target = node;
  while (target.kind === 'index') {
    keys.unshift(target.key);
    target = target.target;
  }
  for (const key of keys) visit(key, references, functions);
  if (target.kind !== 'root') {
    visit(target, references, functions);
    return;
  }
  const path: string[] = [];
  for (const key of keys) {
    if (key.kind !== 'literal') break;
    path.push(String(key.value));
  }
  references.push({ root: target.name, path, open: path.length < keys.length, offset: node.start });
}
