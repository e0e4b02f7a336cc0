import {
  EXPRESSION_LIMITS,
  type Expression,
  type ExpressionNode,
  type ExpressionProblem,
  type ExpressionValue,
} from '../expression/expression.js';
import { evaluateExpression } from '../expression/expression-evaluator.js';
import { expressionReferences, type Reference } from '../expression/expression-references.js';
import { isTruthy } from '../expression/expression-values.js';
import type { Scope } from '../expression/scope.js';

/** What of a scope is known before the run. What is not is never read. */
export interface Knowledge {
  readonly scope: Scope;
  readonly knows: (reference: Reference) => boolean;
  /** Whether `success()`, `failure()` and `cancelled()` are known. */
  readonly knowsStatus: boolean;
}

/**
 * A value, or that it is not known. Of `&&`, `||` and `!` over something unknown only the truth of
 * the value counts.
 */
export type Look =
  { readonly known: true; readonly value: ExpressionValue } | { readonly known: false };

export interface PartialPart {
  readonly text: string;
  readonly look: Look;
}

export interface PartialResult {
  readonly look: Look;
  /** As `ExpressionResult.parts`, with those that are not known. */
  readonly parts: readonly PartialPart[];
  /** What was asked and is not known: roots with their keys, status functions. */
  readonly unknown: readonly string[];
  /** What makes the evaluation fail in any case. */
  readonly problems: readonly ExpressionProblem[];
}

const UNKNOWN: Look = { known: false };

/**
 * Evaluates as much of an expression as is known: what has no unknown part as ever, and `&&`, `||`,
 * `!` also when one side is enough (`false && x` is false, whatever x is). Never throws; bounded
 * like `evaluateExpression`.
 */
export function evaluatePartially(expression: Expression, knowledge: Knowledge): PartialResult {
  const evaluation = new PartialEvaluation(expression.source, knowledge);
  const look = evaluation.look(expression.node);
  const { problems, unknown } = evaluation;
  return { look, parts: evaluation.parts(expression.node), unknown: [...unknown], problems };
}

class PartialEvaluation {
  readonly problems: ExpressionProblem[] = [];
  readonly unknown = new Set<string>();
  private readonly looks = new Map<string, Look>();

  constructor(
    private readonly source: string,
    private readonly knowledge: Knowledge,
  ) {}

  look(node: ExpressionNode): Look {
    if (this.isKnown(node)) return this.evaluate(node);
    switch (node.kind) {
      case 'binary':
        return this.note(node, this.binary(node));
      case 'not': {
        const operand = this.look(node.operand);
        return this.note(
          node,
          operand.known ? { known: true, value: !isTruthy(operand.value) } : UNKNOWN,
        );
      }
      case 'call':
        for (const arg of node.args) this.look(arg);
        if (node.args.length === 0) this.unknown.add(this.textOf(node));
        return this.note(node, UNKNOWN);
      case 'array':
        for (const item of node.items) this.look(item);
        return UNKNOWN;
      case 'root':
      case 'index':
      case 'literal':
        this.unknown.add(this.textOf(node));
        return this.note(node, UNKNOWN);
    }
  }

  /**
   * Everything noted but the whole, which is the result; a whole without parts is its own only
   * part.
   */
  parts(node: ExpressionNode): PartialPart[] {
    const whole = this.textOf(node);
    const all = [...this.looks].map(([text, look]) => ({ text, look }));
    const inner = all.filter((part) => part.text !== whole);
    return (inner.length > 0 ? inner : all).slice(0, EXPRESSION_LIMITS.parts);
  }

  private binary(node: Extract<ExpressionNode, { kind: 'binary' }>): Look {
    const left = this.look(node.left);
    if (node.operator !== '&&' && node.operator !== '||') {
      this.look(node.right);
      return UNKNOWN;
    }
    const deciding = node.operator === '||';
    const before = this.problems.length;
    const right = this.look(node.right);
    const rightFails = this.problems.length > before;
    if (left.known) {
      if (isTruthy(left.value) !== deciding) return right;
      this.problems.length = before;
      return left;
    }
    // Whether the right side is asked is not known, so neither is whether it fails.
    this.problems.length = before;
    if (rightFails || !right.known || isTruthy(right.value) !== deciding) return UNKNOWN;
    return { known: true, value: deciding };
  }

  private evaluate(node: ExpressionNode): Look {
    const expression = { source: this.source, node };
    const { value, parts, problems } = evaluateExpression(expression, this.knowledge.scope);
    this.problems.push(...problems);
    for (const part of parts) this.looks.set(part.text, { known: true, value: part.value });
    const look: Look = { known: true, value };
    return node.kind === 'literal' || node.kind === 'array' ? look : this.note(node, look);
  }

  private note(node: ExpressionNode, look: Look): Look {
    this.looks.set(this.textOf(node), look);
    return look;
  }

  private textOf(node: ExpressionNode): string {
    return this.source.slice(node.start, node.end);
  }

  private isKnown(node: ExpressionNode): boolean {
    const { knows, knowsStatus } = this.knowledge;
    const { references, statusFunctions } = expressionReferences({ source: this.source, node });
    const asksStatus = [...statusFunctions].some((name) => name !== 'always');
    return (knowsStatus || !asksStatus) && references.every(knows);
  }
}
