import type { InputProblem } from '../inputs/resolve-inputs.js';
import type { TriggerDocument } from '../definition/definition-document.js';
import type { Reason } from '../plan/run-state.js';
import {
  type AskedPart,
  type DecisionPart,
  fails,
  passes,
  withoutRefusal,
} from './decision-part.js';
import { type ForkPolicy, forksPart } from './fork-policy.js';
import { eventOf, rulePartsOf, startedByPeople, textsOf } from './rule-parts.js';
import type { TriggerEvent } from './trigger-event.js';
import { triggerReason } from './trigger-reasons.js';

export interface TriggerDecision {
  readonly event: string;
  /** Whether the event starts an execution in this version of Millrace. */
  readonly starts: boolean;
  readonly reason: Reason;
  /** What is asked beside the rules, in the order in which it counts. */
  readonly parts: readonly DecisionPart[];
  /** The rules of the pipeline, in the order of the text. */
  readonly rules: readonly RuleDecision[];
}

export interface RuleDecision {
  /** `push`, as it is written in the YAML. */
  readonly event: string;
  /** null = depends on what the event did not say. */
  readonly matches: boolean | null;
  readonly reason: Reason;
  readonly parts: readonly DecisionPart[];
}

export interface TriggerQuestion {
  readonly rules: readonly TriggerDocument[];
  readonly trigger: TriggerEvent;
  readonly enabled: boolean;
  readonly inputProblems: readonly InputProblem[];
  /** What the connection lets pull requests from other repositories do; default: `approval`. */
  readonly forks?: ForkPolicy;
}

/**
 * Whether a trigger event starts an execution, and why; a dry run and an event that came in ask
 * here. Pure.
 */
export function decideTrigger(question: TriggerQuestion): TriggerDecision {
  const { trigger } = question;
  const rules = question.rules.map((rule) => decideRule(rule, trigger));
  const beforeRules = [enabledPart(question), ...skipMarkPart(trigger)];
  const afterRules = [...forkParts(question), ...inputsPart(question)];
  const accepted = startedByPeople(trigger.event)
    ? STARTED_BY_PEOPLE
    : decideByRules(rules, trigger.event);
  const reason =
    refusalOf(beforeRules) ??
    (accepted.code === 'trigger_accepted' ? refusalOf(afterRules) : undefined) ??
    accepted;
  return {
    event: trigger.event,
    starts: reason.code === 'trigger_accepted',
    reason,
    parts: [...beforeRules, ...afterRules].map(withoutRefusal),
    rules,
  };
}

const STARTED_BY_PEOPLE = triggerReason(
  'trigger_accepted',
  'whoever may trigger the pipeline starts it, with or without a rule',
);

function refusalOf(parts: readonly AskedPart[]): Reason | undefined {
  return parts.find(({ refusal }) => refusal !== undefined)?.refusal;
}

function enabledPart({ enabled }: TriggerQuestion): AskedPart {
  const question = { part: 'enabled', expected: ['true'], actual: [String(enabled)] } as const;
  if (enabled) return passes(question);
  const why = 'the pipeline is disabled: it starts no executions';
  return fails(question, triggerReason('pipeline_disabled', why));
}

const SKIP_MARK = /\[(?:skip ci|ci skip|no ci)\]|^skip-checks: *true$/im;

/** What in the text of the event asks for no run. */
function skipMarkPart({ skipText }: TriggerEvent): AskedPart[] {
  if (skipText === undefined) return [];
  const mark = SKIP_MARK.exec(skipText)?.[0].toLowerCase();
  if (mark === undefined) return [passes({ part: 'skip_mark', expected: [], actual: [] })];
  const why = `"${mark}" asks for no run`;
  const question = { part: 'skip_mark', expected: [], actual: [mark] } as const;
  return [fails(question, triggerReason('trigger_skipped', why, { mark }))];
}

function forkParts({ trigger, rules, forks = 'approval' }: TriggerQuestion): AskedPart[] {
  const isAsked = trigger.fork === true && !startedByPeople(trigger.event);
  return isAsked ? [forksPart(rules, forks)] : [];
}

/** Not those of forges: whoever pushes knows nothing of inputs. */
const ASKING_FOR_INPUTS: ReadonlySet<string> = new Set(['schedule', 'webhook']);

function inputsPart({ trigger, inputProblems: problems }: TriggerQuestion): AskedPart[] {
  const { event } = trigger;
  if (!startedByPeople(event) && !ASKING_FOR_INPUTS.has(event)) return [];
  const messages = problems.map(({ message }) => message);
  const question = { part: 'inputs', expected: [], actual: messages } as const;
  if (problems.length === 0) return [passes(question)];
  const why = `the inputs do not fit: ${messages.join(' ')}`;
  return [fails(question, triggerReason('inputs_invalid', why, { problems }))];
}

function decideByRules(rules: readonly RuleDecision[], event: string): Reason {
  const own = rules.filter((rule) => rule.event === event);
  if (own.length === 0) {
    return triggerReason('trigger_no_rule', `no rule of the pipeline is for "${event}"`);
  }
  const match = own.find(({ matches }) => matches === true);
  if (match !== undefined) {
    return triggerReason('trigger_accepted', `a rule is for it: ${match.reason.message}`);
  }
  const unsure = own.find(({ matches }) => matches === null);
  if (unsure !== undefined) {
    return triggerReason('trigger_unsure', unsure.reason.message, unsure.reason.data);
  }
  const why = own.map(({ reason }) => reason.message).join('; ');
  return triggerReason('trigger_no_match', `no rule matches: ${why}`);
}

function decideRule(rule: TriggerDocument, trigger: TriggerEvent): RuleDecision {
  const asked = rulePartsOf(rule, trigger);
  const answer = { event: eventOf(rule), parts: asked.map(withoutRefusal) };
  const refusal = refusalOf(asked);
  if (refusal !== undefined) return { ...answer, matches: false, reason: refusal };
  const missing = asked.filter(({ result }) => result === 'unknown').map(({ part }) => part);
  if (missing.length > 0) {
    const why = `depends on what was not given: ${missing.join(', ')}`;
    return { ...answer, matches: null, reason: triggerReason('rule_unsure', why, { missing }) };
  }
  return { ...answer, matches: true, reason: matchReason(rule, trigger) };
}

function matchReason(rule: TriggerDocument, trigger: TriggerEvent): Reason {
  const why = matchMessage(rule);
  const asksForPaths = rule.config['paths'] !== undefined;
  if (!asksForPaths || trigger.changedPaths !== 'unknown') {
    return triggerReason('rule_matches', why);
  }
  const { pathsProblem: problem = 'the event does not say so' } = trigger;
  const message = `${why}, since nobody can tell which files were changed: ${problem}`;
  return triggerReason('rule_matches', message, { problem });
}

function matchMessage(rule: TriggerDocument): string {
  const types = textsOf(rule.config['events']);
  if (eventOf(rule) === 'pull_request' && types.length > 0) {
    return `it matches for ${types.join(', ')}`;
  }
  const cron = rule.config['cron_expression'];
  return typeof cron === 'string' ? `it matches at "${cron}"` : 'it matches';
}
