import { valueOf } from '../../common/values/name-record.js';
import type { InputProblem } from '../compiler/resolve-inputs.js';
import type { TriggerDocument } from '../definition/definition-document.js';
import type { Reason } from '../plan/run-state.js';
import { nameList } from '../runtime/reasons.js';
import { type ForkPolicy, refuseFork } from './fork-policy.js';
import { matchesPattern } from './name-pattern.js';
import type { TriggerEvent } from './trigger-event.js';
import { triggerReason } from './trigger-reasons.js';

export interface TriggerDecision {
  readonly event: string;
  /** Whether the event starts an execution in this version of Millrace. */
  readonly starts: boolean;
  readonly reason: Reason;
  /** The rules of the pipeline, in the order of the text. */
  readonly rules: readonly RuleDecision[];
}

export interface RuleDecision {
  /** `push`, as it is written in the YAML. */
  readonly event: string;
  /** null = depends on what the event did not say. */
  readonly matches: boolean | null;
  readonly reason: Reason;
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
  const answer = { event: trigger.event, rules };
  if (!question.enabled) {
    const why = 'the pipeline is disabled: it starts no executions';
    return { ...answer, starts: false, reason: triggerReason('pipeline_disabled', why) };
  }
  const mark = trigger.skipText === undefined ? undefined : skipMark(trigger.skipText);
  if (mark !== undefined) {
    const why = `"${mark}" asks for no run`;
    return { ...answer, starts: false, reason: triggerReason('trigger_skipped', why, { mark }) };
  }
  if (!startedByPeople(trigger.event)) {
    const reason = decideByRules(rules, trigger.event);
    if (reason.code !== 'trigger_accepted') return { ...answer, starts: false, reason };
    const refusal =
      trigger.fork === true
        ? refuseFork(question.rules, question.forks ?? 'approval')
        : ASKING_FOR_INPUTS.has(trigger.event)
          ? refuseInputs(question)
          : undefined;
    return { ...answer, starts: refusal === undefined, reason: refusal ?? reason };
  }
  const refusal = refuseInputs(question);
  if (refusal !== undefined) return { ...answer, starts: false, reason: refusal };
  const why = 'whoever may trigger the pipeline starts it, with or without a rule';
  return { ...answer, starts: true, reason: triggerReason('trigger_accepted', why) };
}

function refuseInputs({ inputProblems: problems }: TriggerQuestion): Reason | undefined {
  if (problems.length === 0) return undefined;
  const why = `the inputs do not fit: ${problems.map(({ message }) => message).join(' ')}`;
  return triggerReason('inputs_invalid', why, { problems });
}

function startedByPeople(event: string): boolean {
  return event === 'manual' || event === 'cli';
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

/** Not those of forges: whoever pushes knows nothing of inputs. */
const ASKING_FOR_INPUTS: ReadonlySet<string> = new Set(['schedule', 'webhook']);

const SKIP_MARK = /\[(?:skip ci|ci skip|no ci)\]|^skip-checks: *true$/im;

/** What in a text asks for no run; undefined = nothing. */
function skipMark(text: string): string | undefined {
  return SKIP_MARK.exec(text)?.[0].toLowerCase();
}

/** The seed's name of an event, and ours. */
const EVENT_OF_TYPE: Readonly<Record<string, string>> = { git_push: 'push' };

function decideRule(rule: TriggerDocument, trigger: TriggerEvent): RuleDecision {
  const event = eventOf(rule);
  if (!(event === trigger.event || (event === 'manual' && startedByPeople(trigger.event)))) {
    const why = `the rule is for "${event}"`;
    return { event, matches: false, reason: triggerReason('rule_other_event', why) };
  }
  const repository = textOf(rule.config['repository']);
  const given = trigger.repository;
  if (repository !== undefined && given !== undefined && repository !== given) {
    const why = 'the rule is for another repository';
    return { event, matches: false, reason: triggerReason('rule_other_repository', why) };
  }
  const [kind, patterns, ref] =
    event === 'tag'
      ? (['tag', textsOf(rule.config['tag_patterns']), trigger.tag] as const)
      : (['branch', textsOf(rule.config['branch_patterns']), trigger.branch] as const);
  if (
    patterns.length > 0 &&
    ref !== undefined &&
    !patterns.some((one) => matchesPattern(one, ref))
  ) {
    const why = `the ${kind} "${ref}" fits none of ${nameList(patterns)}`;
    return { event, matches: false, reason: triggerReason('rule_other_ref', why, { patterns }) };
  }
  const types = textsOf(rule.config['events']);
  const { pullRequestType: type } = trigger;
  if (event === 'pull_request' && type !== undefined && !types.includes(type)) {
    const why = `the rule is for ${types.join(', ')}, not for "${type}"`;
    return { event, matches: false, reason: triggerReason('rule_other_type', why, { types }) };
  }
  if (event === 'pull_request' && type === 'edited' && trigger.baseChanged === false) {
    const why = 'its base branch is the same';
    return { event, matches: false, reason: triggerReason('rule_other_type', why, { types }) };
  }
  if (trigger.draft === true && rule.config['draft'] === false) {
    const why = 'the rule is not for drafts';
    return { event, matches: false, reason: triggerReason('rule_no_drafts', why) };
  }
  const paths = pathsOf(rule);
  const { changedPaths } = trigger;
  if (paths !== undefined && changedPaths !== undefined && !touches(paths, changedPaths)) {
    const why = 'no file that it changed is one that the rule asks for';
    return { event, matches: false, reason: triggerReason('rule_other_paths', why) };
  }
  const missing = [
    ...(patterns.length > 0 && ref === undefined ? [kind] : []),
    ...(paths !== undefined && changedPaths === undefined ? ['paths'] : []),
  ];
  if (missing.length > 0) {
    const why = `depends on what was not given: ${missing.join(', ')}`;
    return { event, matches: null, reason: triggerReason('rule_unsure', why, { missing }) };
  }
  const why = matchMessage(event, rule);
  if (paths === undefined || changedPaths !== 'unknown') {
    return { event, matches: true, reason: triggerReason('rule_matches', why) };
  }
  const { pathsProblem: problem = 'the event does not say so' } = trigger;
  const message = `${why}, since nobody can tell which files were changed: ${problem}`;
  return { event, matches: true, reason: triggerReason('rule_matches', message, { problem }) };
}

/** Whether one of the rules for an event asks which files it changed. */
export function asksForPaths(rules: readonly TriggerDocument[], event: string): boolean {
  return rules.some((rule) => eventOf(rule) === event && pathsOf(rule) !== undefined);
}

function eventOf({ trigger_type: type }: TriggerDocument): string {
  return valueOf(EVENT_OF_TYPE, type) ?? type;
}

interface PathRule {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

function pathsOf({ config }: TriggerDocument): PathRule | undefined {
  const paths = config['paths'];
  if (typeof paths !== 'object' || paths === null) return undefined;
  const { include, exclude } = paths as Partial<Record<keyof PathRule, unknown>>;
  return { include: textsOf(include), exclude: textsOf(exclude) };
}

/**
 * A change of no file, and one of which nobody knows the files, count as one of files that the rule
 * asks for.
 */
function touches({ include, exclude }: PathRule, changed: readonly string[] | 'unknown'): boolean {
  if (changed === 'unknown' || changed.length === 0) return true;
  return changed.some(
    (path) =>
      (include.length === 0 || include.some((pattern) => matchesPattern(pattern, path))) &&
      !exclude.some((pattern) => matchesPattern(pattern, path)),
  );
}

function matchMessage(event: string, { config }: TriggerDocument): string {
  const types = textsOf(config['events']);
  if (event === 'pull_request' && types.length > 0) return `it matches for ${types.join(', ')}`;
  const cron = textOf(config['cron_expression']);
  return cron === undefined ? 'it matches' : `it matches at "${cron}"`;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}
