import { messageOf } from '../../common/values/error-message.js';
import {
  EXPRESSION_LIMITS,
  type BinaryOperator,
  type Expression,
  type ExpressionNode,
  type ExpressionProblem,
  type ExpressionRoot,
  type ExpressionValue,
} from './expression.js';
import { callPureFunction, contains, type CallProblem } from './expression-functions.js';
import {
  compare,
  isTruthy,
  looselyEqual,
  readProperty,
  toExpressionValue,
  toText,
} from './expression-values.js';
import type { Scope, StepView } from './scope.js';

export interface ExpressionPart {
  /** As it stands in the expression. */
  readonly text: string;
  readonly value: ExpressionValue;
}

export interface ExpressionResult {
  /** null when there are problems. */
  readonly value: ExpressionValue;
  /**
   * The value of every part that is no literal, inner parts first, each text once, at most 100.
   * Both sides of `&&` and `||` are there, also when the left one decides; but for a side that
   * calls `hashFiles`.
   */
  readonly parts: readonly ExpressionPart[];
  /**
   * What could only be seen now: a pattern from a variable that is no RE2, a text over 1 MiB. Empty
   * = all is well.
   */
  readonly problems: readonly ExpressionProblem[];
}

/**
 * Evaluates against a scope. Never throws; time and memory are bounded by `EXPRESSION_LIMITS` and
 * the size of the scope.
 */
export function evaluateExpression(expression: Expression, scope: Scope): ExpressionResult {
  const evaluation = new Evaluation(expression.source, scope);
  const value = evaluation.of(expression.node);
  const { problems } = evaluation;
  return {
    value: problems.length > 0 ? null : value,
    parts: evaluation.parts(expression),
    problems,
  };
}

class Evaluation {
  readonly problems: ExpressionProblem[] = [];
  private readonly values = new Map<string, ExpressionValue>();
  private undecided = true;
  private produced = 0;
  private searched = 0;

  constructor(
    private readonly source: string,
    private readonly scope: Scope,
  ) {}

  of(node: ExpressionNode): ExpressionValue {
    switch (node.kind) {
      case 'literal':
        return node.value;
      case 'array':
        return node.items.map((item) => this.of(item));
      case 'root':
      case 'index':
        return this.note(node, this.reference(node));
      case 'call':
        return this.note(node, this.call(node));
      case 'not':
        return this.note(node, !isTruthy(this.of(node.operand)));
      case 'binary':
        return this.note(node, this.binary(node));
    }
  }

  /**
   * Everything noted but the whole, which is the result; a whole without parts is its own only
   * part.
   */
  parts(expression: Expression): ExpressionPart[] {
    const whole = this.textOf(expression.node);
    const all = [...this.values].map(([text, value]) => ({ text, value }));
    const inner = all.filter((part) => part.text !== whole);
    return (inner.length > 0 ? inner : all).slice(0, EXPRESSION_LIMITS.parts);
  }

  private note(node: ExpressionNode, value: ExpressionValue): ExpressionValue {
    this.values.set(this.textOf(node), value);
    return value;
  }

  private textOf(node: ExpressionNode): string {
    return this.source.slice(node.start, node.end);
  }

  private binary(node: Extract<ExpressionNode, { kind: 'binary' }>): ExpressionValue {
    const left = this.of(node.left);
    if (node.operator !== '&&' && node.operator !== '||') {
      return applyOperator(node.operator, left, this.of(node.right));
    }
    const decided = isTruthy(left) === (node.operator === '||');
    if (!decided) return this.of(node.right);
    if (!node.lazyRight) this.traceOnly(node.right);
    return left;
  }

  /**
   * Evaluates a side that no longer matters, for its values in the trace: its problems do not
   * count.
   */
  private traceOnly(node: ExpressionNode): void {
    const before = this.undecided;
    this.undecided = false;
    this.of(node);
    this.undecided = before;
  }

  private reference(node: ExpressionNode): ExpressionValue {
    const keys: ExpressionValue[] = [];
    let target = node;
    while (target.kind === 'index') {
      keys.unshift(this.of(target.key));
      target = target.target;
    }
    const [value, rest] =
      target.kind === 'root' ? this.fromRoot(target.name, keys, node) : [this.of(target), keys];
    return rest.reduce<ExpressionValue>(readProperty, value);
  }

  private fromRoot(
    root: ExpressionRoot,
    keys: readonly ExpressionValue[],
    node: ExpressionNode,
  ): [ExpressionValue, readonly ExpressionValue[]] {
    if (root === 'steps') {
      const [name = null, ...rest] = keys;
      return [viewOf(this.step(toText(name), node)), rest];
    }
    if (root === 'services') {
      const [name = null, ...rest] = keys;
      return [this.service(toText(name), node), rest];
    }
    if (root !== 'stages') return [toExpressionValue(this.scope[root]), keys];
    const [name = null, member, ...rest] = keys;
    const stage = this.scope.stages(toText(name));
    if (stage === undefined) return [null, []];
    if (member !== 'steps') {
      return [{ status: stage.status }, member === undefined ? [] : [member, ...rest]];
    }
    const [step, ...inner] = rest;
    if (step === undefined) return [null, []];
    return [viewOf(stage.steps(toText(step))), inner];
  }

  private step(name: string, node: ExpressionNode): StepView | undefined {
    const found = this.scope.steps(name);
    if (found.kind === 'found') return found.step;
    if (found.kind === 'ambiguous') {
      this.problem(node, {
        code: 'ambiguous_step',
        message: `Several stages have a step "${name}".`,
        suggestion: `Write stages.${found.stages[0] ?? '<stage>'}.steps['${name}']`,
      });
    }
    return undefined;
  }

  private service(name: string, node: ExpressionNode): ExpressionValue {
    const found = this.scope.services?.(name);
    if (found?.kind === 'found') return toExpressionValue(found.service);
    if (found?.kind === 'unavailable') {
      return this.problem(node, { code: 'service_unavailable', message: found.message });
    }
    return null;
  }

  private call(node: Extract<ExpressionNode, { kind: 'call' }>): ExpressionValue {
    const args = node.args.map((arg) => this.of(arg));
    if (node.name === 'matches') this.searched += toText(args[0] ?? null).length;
    if (this.isOverBudget()) return this.tooLarge(node);
    const result = callPureFunction(node.name, args);
    if (result === undefined) return this.scopeCall(node, args);
    if (!result.ok) return this.problem(node, result.problem);
    if (typeof result.value === 'string') this.produced += result.value.length;
    return this.isOverBudget() ? this.tooLarge(node) : result.value;
  }

  private isOverBudget(): boolean {
    const { producedLength, matchedLength } = EXPRESSION_LIMITS;
    return this.produced > producedLength || this.searched > matchedLength;
  }

  private tooLarge(node: ExpressionNode): null {
    return this.problem(node, {
      code: 'value_too_large',
      message:
        'One expression makes at most 1 MiB of text and searches at most 64 KiB by matches().',
    });
  }

  private scopeCall(
    node: Extract<ExpressionNode, { kind: 'call' }>,
    args: readonly ExpressionValue[],
  ): ExpressionValue {
    switch (node.name) {
      case 'success':
        return this.scope.status.success();
      case 'failure':
        return this.scope.status.failure();
      case 'always':
        return this.scope.status.always();
      case 'cancelled':
        return this.scope.status.cancelled();
      case 'hashFiles':
        return this.hashFiles(node, args.map(toText));
      default:
        throw new Error(`The parser let the unknown function ${node.name} pass.`);
    }
  }

  private hashFiles(node: ExpressionNode, patterns: readonly string[]): ExpressionValue {
    const code = 'hash_files_failed';
    if (this.scope.hashFiles === undefined) {
      return this.problem(node, { code, message: 'hashFiles() cannot be used here.' });
    }
    try {
      return this.scope.hashFiles(patterns);
    } catch (error) {
      const detail = messageOf(error);
      return this.problem(node, { code, message: `hashFiles() failed: ${detail}` });
    }
  }

  private problem(node: ExpressionNode, problem: CallProblem): null {
    if (this.undecided) this.problems.push({ ...problem, offset: node.start });
    return null;
  }
}

function viewOf(step: StepView | undefined): ExpressionValue {
  return step === undefined ? null : toExpressionValue(step);
}

function applyOperator(
  operator: Exclude<BinaryOperator, '&&' | '||'>,
  left: ExpressionValue,
  right: ExpressionValue,
): boolean {
  if (operator === '==') return looselyEqual(left, right);
  if (operator === '!=') return !looselyEqual(left, right);
  if (operator === 'in') return contains(right, left);
  const order = compare(left, right);
  if (order === undefined) return false;
  switch (operator) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}
