import type { ExpressionResult } from '../expression/expression-evaluator.js';
import { evaluateExpression } from '../expression/expression-evaluator.js';
import type { Expression, ExpressionProblem } from '../expression/expression.js';
import { parseExpression } from '../expression/expression-parser.js';
import { expressionReferences } from '../expression/expression-references.js';
import { isTruthy } from '../expression/expression-values.js';
import type { Scope } from '../expression/scope.js';
import { TemplateError } from '../expression/template.js';
import type { Reason, WhenTrace } from '../plan/run-state.js';
import { maskDeep, nameList, reason } from './reasons.js';
import { EnvironmentError } from './step-environment.js';

/** Characters of a value in a trace, as JSON. */
export const TRACE_VALUE_LIMIT = 200;

export type GateAnswer =
  | { readonly kind: 'run'; readonly reason: Reason; readonly trace?: WhenTrace }
  | { readonly kind: 'skip'; readonly reason: Reason; readonly trace?: WhenTrace }
  | { readonly kind: 'error'; readonly reason: Reason };

export interface GateQuestion {
  readonly when: string | undefined;
  /** Names that it needs directly and that failed, or were skipped because something failed. */
  readonly failedNeeds: readonly string[];
  /** The first that failed, transitively. */
  readonly failedNeed: string | undefined;
  /** Of a step: something in its stage failed. */
  readonly stageFailed: boolean;
  /** Made only if there is a `when`. */
  readonly scope: () => Scope;
  readonly mask: (text: string) => string;
}

/**
 * Whether a stage or step runs, all that it needs being over.
 *
 * A `when` that calls a status function decides alone. Every other one, and none at all, stands
 * behind `success()`: nothing that it needs, transitively, failed; nor has its stage. One that
 * calls `success()` only is as strict about its stage, and when it is false after a failure, the
 * failure is the reason.
 */
export function decideGate(question: GateQuestion): GateAnswer {
  const parsed = question.when === undefined ? undefined : parseExpression(question.when);
  if (parsed !== undefined && !parsed.ok) return problem(question, parsed.problems);
  const expression = parsed?.expression;
  const refusal = decidesAlone(expression) ? undefined : refusedForFailure(question);
  const mayStillRun = callsStatus(expression) && question.failedNeed !== undefined;
  if (refusal !== undefined && !mayStillRun) return refusal;
  if (expression === undefined)
    return { kind: 'run', reason: reason('started', startedBy(question)) };
  const answer = evaluateGate(question, expression);
  if (answer.kind !== 'skip' || refusal === undefined) return answer;
  return { ...answer, reason: refusal.reason };
}

/** True for a `when` that may be true although something failed in its stage. */
export function runsAfterFailure(when: string | undefined): boolean {
  if (when === undefined) return false;
  const parsed = parseExpression(when);
  return parsed.ok && decidesAlone(parsed.expression);
}

function decidesAlone(expression: Expression | undefined): boolean {
  return callsStatus(expression, ['failure', 'always', 'cancelled']);
}

function callsStatus(
  expression: Expression | undefined,
  names: readonly string[] = ['success', 'failure', 'always', 'cancelled'],
): boolean {
  if (expression === undefined) return false;
  const { statusFunctions } = expressionReferences(expression);
  return names.some((name) => (statusFunctions as ReadonlySet<string>).has(name));
}

function refusedForFailure(question: GateQuestion): GateAnswer | undefined {
  const { failedNeed, failedNeeds } = question;
  if (failedNeed !== undefined) {
    return { kind: 'skip', reason: needFailedReason(failedNeeds, failedNeed) };
  }
  if (!question.stageFailed) return undefined;
  return { kind: 'skip', reason: stageFailedReason() };
}

/** `failedNeeds` as in `GateQuestion`. */
export function needFailedReason(failedNeeds: readonly string[], failedNeed: string): Reason {
  const message = failedNeeds.includes(failedNeed)
    ? `needs "${failedNeed}", which failed`
    : `needs ${nameList(failedNeeds)}, which stands behind "${failedNeed}", which failed`;
  return reason('need_failed', message, { needs: failedNeeds, failed: failedNeed });
}

/** `text` is the masked expression. */
export function whenFalseReason(text: string): Reason {
  const shown = cut(text);
  return reason('when_false', `its \`when\` is false: ${shown}`, { when: shown });
}

export function stageFailedReason(): Reason {
  return reason('stage_failed', 'its stage failed before it could start');
}

function startedBy(question: GateQuestion): string {
  return question.when === undefined ? 'what it needs is over' : 'its `when` is true';
}

function evaluateGate(question: GateQuestion, expression: Expression): GateAnswer {
  const scope = scopeOrReason(question);
  if ('code' in scope) return { kind: 'error', reason: scope };
  const result = evaluateExpression(expression, scope);
  if (result.problems.length > 0) return problem(question, result.problems);
  const trace = whenTrace(expression, result, question.mask);
  if (trace.result) return { kind: 'run', reason: reason('started', startedBy(question)), trace };
  return { kind: 'skip', reason: whenFalseReason(trace.expression), trace };
}

/** The variables that a `when` reads are templates too, and may be wrong. */
function scopeOrReason(question: GateQuestion): Scope | Reason {
  try {
    return question.scope();
  } catch (error) {
    if (!(error instanceof TemplateError || error instanceof EnvironmentError)) throw error;
    const text = `a variable of it cannot be evaluated: ${error.message}`;
    return reason('expression_failed', question.mask(text));
  }
}

function problem(question: GateQuestion, problems: readonly ExpressionProblem[]): GateAnswer {
  const message = problems[0]?.message ?? 'it cannot be evaluated';
  const text = `its \`when\` cannot be evaluated: ${message}`;
  return { kind: 'error', reason: reason('expression_failed', question.mask(text)) };
}

/** What is stored of an evaluated `when`: masked, each value cut. */
export function whenTrace(
  expression: Expression,
  result: ExpressionResult,
  mask: (text: string) => string,
): WhenTrace {
  return {
    expression: mask(expression.source.trim()),
    result: isTruthy(result.value),
    parts: result.parts.map(({ text, value }) => ({
      text: mask(text),
      value: shownValue(value, mask),
    })),
  };
}

/** A masked value as it is while it is small, else the beginning of its JSON. */
export function shownValue(value: unknown, mask: (text: string) => string): unknown {
  const masked = maskDeep(value ?? null, mask);
  const json = JSON.stringify(masked) ?? 'null';
  if (json.length <= TRACE_VALUE_LIMIT) return masked;
  const text = typeof masked === 'string' ? masked : json;
  return cut(text);
}

function cut(text: string): string {
  return text.length <= TRACE_VALUE_LIMIT ? text : `${text.slice(0, TRACE_VALUE_LIMIT - 1)}…`;
}
