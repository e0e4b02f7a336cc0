import { isTruthy } from '../expression/expression-values.js';
import type { Expression } from '../expression/expression.js';
import { expressionReferences } from '../expression/expression-references.js';
import { parseExpression } from '../expression/expression-parser.js';
import { TemplateError } from '../expression/template.js';
import type { Reason } from '../plan/run-state.js';
import { nameList, reason } from '../runtime/reasons.js';
import { EnvironmentError } from '../runtime/step-environment.js';
import {
  needFailedReason,
  runsAfterFailure,
  shownValue,
  whenFalseReason,
} from '../runtime/when.js';
import { evaluatePartially, type Knowledge, type PartialResult } from './partial-evaluation.js';
import { previewReason } from './preview-reasons.js';
import type { NodePreview, PreviewTrace } from './preview.js';

/** How everything that a node needs has ended, as far as that is known. */
export type StatusView = 'succeeded' | 'failed' | 'unknown';

export interface VerdictQuestion {
  readonly name: string;
  readonly when: string | undefined;
  /** Names that it needs directly. */
  readonly needs: readonly string[];
  /** Of these, those that fail in any case or stand behind one that does. */
  readonly failedNeeds: readonly string[];
  /** The first that fails in any case, transitively. */
  readonly failedNeed: string | undefined;
  /** Something that it needs, transitively, may fail. */
  readonly mayFail: boolean;
  /** @throws TemplateError, EnvironmentError for a variable that cannot be evaluated */
  readonly knowledge: (status: StatusView) => Knowledge;
  readonly mask: (text: string) => string;
}

/** What `decideGate` will say to a stage or step, as far as that is known before the run. */
export function verdictOf(question: VerdictQuestion): NodePreview {
  const { name, when, failedNeed, failedNeeds } = question;
  const alone = runsAfterFailure(when);
  if (failedNeed !== undefined && !alone) {
    return { name, verdict: 'skipped', reason: needFailedReason(failedNeeds, failedNeed) };
  }
  if (when === undefined) return { name, verdict: 'runs', reason: startsReason(question) };
  const parsed = parseExpression(when);
  if (!parsed.ok) return failing(question, parsed.problems[0]?.message);
  try {
    return evaluated(question, parsed.expression, alone);
  } catch (error) {
    if (!(error instanceof TemplateError || error instanceof EnvironmentError)) throw error;
    const text = `a variable of it cannot be evaluated: ${error.message}`;
    return { name, verdict: 'fails', reason: reason('expression_failed', question.mask(text)) };
  }
}

function evaluated(question: VerdictQuestion, expression: Expression, alone: boolean): NodePreview {
  const { name, mask, mayFail } = question;
  const status = question.failedNeed !== undefined ? 'failed' : mayFail ? 'unknown' : 'succeeded';
  const shown = evaluatePartially(expression, question.knowledge(status));
  if (shown.problems.length > 0) return failing(question, shown.problems[0]?.message);
  const trace = traceOf(expression, shown, mask);
  const base = { name, trace };
  const runs: NodePreview = { ...base, verdict: 'runs', reason: startsReason(question) };
  const skipped: NodePreview = {
    ...base,
    verdict: 'skipped',
    reason: whenFalseReason(trace.expression),
  };
  if (shown.look.known) return isTruthy(shown.look.value) ? runs : skipped;
  if (status === 'unknown' && asksStatus(expression)) {
    const good = truthIn(question, expression, 'succeeded');
    const bad = alone ? truthIn(question, expression, 'failed') : false;
    if (good === true && bad !== undefined) return runs;
    if (good === false && bad === false) return skipped;
    if (good === false && bad === true) {
      return { ...base, verdict: 'depends', reason: afterFailureReason(question) };
    }
  }
  return { ...base, verdict: 'depends', reason: dependsReason(question, shown.unknown) };
}

function asksStatus(expression: Expression): boolean {
  return expressionReferences(expression).statusFunctions.size > 0;
}

/**
 * The truth of a `when` after everything that it needs has ended so; undefined = not known even
 * then.
 */
function truthIn(
  question: VerdictQuestion,
  expression: Expression,
  status: StatusView,
): boolean | undefined {
  const { look, problems } = evaluatePartially(expression, question.knowledge(status));
  return look.known && problems.length === 0 ? isTruthy(look.value) : undefined;
}

function failing({ name, mask }: VerdictQuestion, message = 'it cannot be evaluated'): NodePreview {
  const text = `its \`when\` cannot be evaluated: ${message}`;
  return { name, verdict: 'fails', reason: reason('expression_failed', mask(text)) };
}

function startsReason({ needs, when }: VerdictQuestion): Reason {
  const isAlone = runsAfterFailure(when);
  const after = needs.length === 0 ? '' : ` after ${nameList(needs)}`;
  const if_ = needs.length === 0 || isAlone ? '' : ', if nothing of it fails';
  return reason('started', `starts${after}${if_}`);
}

function afterFailureReason({ needs }: VerdictQuestion): Reason {
  const why = `runs only if something of what it needs fails: ${nameList(needs)}`;
  return reason('needs', why, { needs: needs.slice(0, 10), open: needs.length });
}

function dependsReason({ needs, mask }: VerdictQuestion, unknown: readonly string[]): Reason {
  const texts = unknown.slice(0, 10).map(mask);
  const message = `depends on ${texts.join(', ')}`;
  const ofSteps = unknown.some((text) => /^(steps|stages|success|failure|cancelled)\b/.test(text));
  return ofSteps
    ? reason('needs', message, { needs: needs.slice(0, 10), open: needs.length, unknown: texts })
    : previewReason('known_later', message, { unknown: texts });
}

export function traceOf(
  expression: Expression,
  { look, parts }: PartialResult,
  mask: (text: string) => string,
): PreviewTrace {
  return {
    expression: mask(expression.source.trim()),
    result: look.known ? isTruthy(look.value) : null,
    parts: parts.map((part) => ({
      text: mask(part.text),
      value: part.look.known ? shownValue(part.look.value, mask) : null,
      known: part.look.known,
    })),
  };
}
