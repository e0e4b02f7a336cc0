import { valueOf } from '../../common/values/name-record.js';
import type { TriggerDocument } from '../definition/definition-document.js';
import { nameList } from '../runtime/reasons.js';
import { type AskedPart, depends, fails, passes } from './decision-part.js';
import { namePattern } from './name-pattern.js';
import type { TriggerEvent } from './trigger-event.js';
import { triggerReason } from './trigger-reasons.js';

/**
 * What a rule asks of an event, part by part. Of a rule for another kind of event that is the only
 * one.
 */
export function rulePartsOf(rule: TriggerDocument, trigger: TriggerEvent): AskedPart[] {
  const event = eventPart(rule, trigger);
  if (event.result === 'fails') return [event];
  return [
    event,
    ...repositoryPart(rule, trigger),
    ...refPart(rule, trigger),
    ...typeParts(rule, trigger),
    ...draftPart(rule, trigger),
    ...pathsPart(rule, trigger),
  ];
}

/** The seed's name of an event, and ours. */
const EVENT_OF_TYPE: Readonly<Record<string, string>> = { git_push: 'push' };

/** `push`, as it is written in the YAML. */
export function eventOf({ trigger_type: type }: TriggerDocument): string {
  return valueOf(EVENT_OF_TYPE, type) ?? type;
}

export function startedByPeople(event: string): boolean {
  return event === 'manual' || event === 'cli';
}

/** Whether one of the rules for an event asks which files it changed. */
export function asksForPaths(rules: readonly TriggerDocument[], event: string): boolean {
  return rules.some((rule) => eventOf(rule) === event && pathsOf(rule) !== undefined);
}

function eventPart(rule: TriggerDocument, trigger: TriggerEvent): AskedPart {
  const event = eventOf(rule);
  const question = { part: 'event', expected: [event], actual: [trigger.event] } as const;
  if (event === trigger.event || (event === 'manual' && startedByPeople(trigger.event))) {
    return passes(question);
  }
  return fails(question, triggerReason('rule_other_event', `the rule is for "${event}"`));
}

function repositoryPart({ config }: TriggerDocument, { repository }: TriggerEvent): AskedPart[] {
  const asked = textOf(config['repository']);
  if (asked === undefined) return [];
  const question = { part: 'repository', expected: [asked], actual: said(repository) } as const;
  if (repository === undefined || repository === asked) return [passes(question)];
  const why = 'the rule is for another repository';
  return [fails(question, triggerReason('rule_other_repository', why))];
}

function refPart(rule: TriggerDocument, trigger: TriggerEvent): AskedPart[] {
  const [part, patterns, ref] =
    eventOf(rule) === 'tag'
      ? (['tag', textsOf(rule.config['tag_patterns']), trigger.tag] as const)
      : (['branch', textsOf(rule.config['branch_patterns']), trigger.branch] as const);
  if (patterns.length === 0) return [];
  const question = { part, expected: patterns, actual: said(ref) };
  if (ref === undefined) return [depends(question)];
  if (patterns.some((pattern) => namePattern(pattern)(ref))) return [passes(question)];
  const why = `the ${part} "${ref}" fits none of ${nameList(patterns)}`;
  return [fails(question, triggerReason('rule_other_ref', why, { patterns }))];
}

function typeParts(rule: TriggerDocument, trigger: TriggerEvent): AskedPart[] {
  if (eventOf(rule) !== 'pull_request') return [];
  const types = textsOf(rule.config['events']);
  const { pullRequestType: type, baseChanged } = trigger;
  const question = { part: 'type', expected: types, actual: said(type) } as const;
  if (type !== undefined && !types.includes(type)) {
    const why = `the rule is for ${types.join(', ')}, not for "${type}"`;
    return [fails(question, triggerReason('rule_other_type', why, { types }))];
  }
  if (type !== 'edited' || baseChanged === undefined) return [passes(question)];
  const base = {
    part: 'base',
    expected: ['changed'],
    actual: [baseChanged ? 'changed' : 'the same'],
  } as const;
  const why = 'its base branch is the same';
  return [
    passes(question),
    baseChanged ? passes(base) : fails(base, triggerReason('rule_other_type', why, { types })),
  ];
}

function draftPart({ config }: TriggerDocument, { draft }: TriggerEvent): AskedPart[] {
  if (config['draft'] !== false) return [];
  const actual = said(draft === undefined ? undefined : String(draft));
  const question = { part: 'draft', expected: ['false'], actual } as const;
  if (draft !== true) return [passes(question)];
  return [fails(question, triggerReason('rule_no_drafts', 'the rule is not for drafts'))];
}

function pathsPart(rule: TriggerDocument, { changedPaths }: TriggerEvent): AskedPart[] {
  const paths = pathsOf(rule);
  if (paths === undefined) return [];
  const { include, exclude } = paths;
  const leftOut = exclude.map((pattern) =>
    pattern.startsWith('!') ? pattern.slice(1) : `!${pattern}`,
  );
  const actual = changedPaths === undefined || changedPaths === 'unknown' ? null : changedPaths;
  const question = { part: 'paths', expected: [...include, ...leftOut], actual } as const;
  if (changedPaths === undefined) return [depends(question)];
  if (touches(paths, changedPaths)) return [passes(question)];
  const why = 'no file that it changed is one that the rule asks for';
  return [fails(question, triggerReason('rule_other_paths', why))];
}

interface PathRule {
  readonly include: readonly string[];
  /** In order: one that begins with `!` takes back what those before it left out. */
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
  const included = include.map(namePattern);
  const excluded = exclude.map((pattern) => ({
    leavesOut: !pattern.startsWith('!'),
    fits: namePattern(pattern.replace(/^!/, '')),
  }));
  return changed.some(
    (path) =>
      (included.length === 0 || included.some((fits) => fits(path))) &&
      excluded.findLast(({ fits }) => fits(path))?.leavesOut !== true,
  );
}

function said(text: string | undefined): readonly string[] | null {
  return text === undefined ? null : [text];
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** The texts of a list; of anything else none. */
export function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}
