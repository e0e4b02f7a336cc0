import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileYaml } from '../compiler/compile-yaml.js';
import { definitionDocument } from '../definition/definition-document.js';
import { PREVIEW_REASONS } from '../preview/preview-reasons.js';
import { matchesPattern } from './name-pattern.js';
import { decideTrigger, type TriggerDecision, type TriggerQuestion } from './trigger-decision.js';
import type { TriggerEvent } from './trigger-event.js';
import { TRIGGER_REASONS } from './trigger-reasons.js';

function decide(
  triggers: string,
  trigger: TriggerEvent,
  change: Partial<TriggerQuestion> = {},
): TriggerDecision {
  const { definition } = compileYaml(`name: x\ntriggers: ${triggers}\nsteps: [a]\n`);
  if (!definition) throw new Error('invalid');
  const rules = definitionDocument(definition).triggers;
  return decideTrigger({ rules, trigger, enabled: true, inputProblems: [], ...change });
}

describe('the decision for a trigger', () => {
  it('by hand it starts, with or without a rule', () => {
    expect(decide('[push]', { event: 'manual' })).toMatchObject({
      starts: true,
      reason: { code: 'trigger_accepted' },
      rules: [{ event: 'push', matches: false, reason: { code: 'rule_other_event' } }],
    });
    expect(decide('[manual]', { event: 'cli' }).rules[0]?.matches).toBe(true);
  });

  it('a disabled pipeline and wrong inputs start nothing', () => {
    expect(decide('[manual]', { event: 'manual' }, { enabled: false })).toMatchObject({
      starts: false,
      reason: { code: 'pipeline_disabled' },
    });
    const inputProblems = [
      { path: 'inputs.a', code: 'unknown_input', message: 'There is no input "a".' },
    ] as const;
    expect(decide('[manual]', { event: 'manual' }, { inputProblems })).toMatchObject({
      starts: false,
      reason: { code: 'inputs_invalid', data: { problems: inputProblems } },
    });
  });

  it.each<[string, TriggerEvent, boolean | null, string, string]>([
    ['[push]', { event: 'push', branch: 'dev' }, true, 'rule_matches', 'trigger_not_active'],
    ['[push]', { event: 'push' }, true, 'rule_matches', 'trigger_not_active'],
    [
      '[{ push: { branches: [main, "release/**"] } }]',
      { event: 'push', branch: 'release/1/x' },
      true,
      'rule_matches',
      'trigger_not_active',
    ],
    [
      '[{ push: { branches: [main] } }]',
      { event: 'push', branch: 'dev' },
      false,
      'rule_other_ref',
      'trigger_no_match',
    ],
    ['[{ push: { branches: [main] } }]', { event: 'push' }, null, 'rule_unsure', 'trigger_unsure'],
    [
      '[{ push: { paths: { include: ["src/**"] } } }]',
      { event: 'push', branch: 'a' },
      null,
      'rule_unsure',
      'trigger_unsure',
    ],
    [
      '[{ pull_request: { branches: [main] } }]',
      { event: 'pull_request', branch: 'main' },
      true,
      'rule_matches',
      'trigger_not_active',
    ],
    ['[{ tag: "v*" }]', { event: 'tag', tag: 'v1.2' }, true, 'rule_matches', 'trigger_not_active'],
    ['[{ tag: "v*" }]', { event: 'tag', tag: '1.2' }, false, 'rule_other_ref', 'trigger_no_match'],
    ['[{ tag: "v*" }]', { event: 'tag' }, null, 'rule_unsure', 'trigger_unsure'],
    [
      '[{ schedule: { cron: "0 3 * * *" } }]',
      { event: 'schedule' },
      true,
      'rule_matches',
      'trigger_not_active',
    ],
    ['[webhook]', { event: 'webhook' }, true, 'rule_matches', 'trigger_not_active'],
    ['[manual]', { event: 'push', branch: 'main' }, false, 'rule_other_event', 'trigger_no_rule'],
    [
      '[{ trigger_type: git_push, config: { branch_patterns: [main], repository: "https://a.example/x" } }]',
      { event: 'push', branch: 'main', repository: 'https://b.example/y' },
      false,
      'rule_other_repository',
      'trigger_no_match',
    ],
    [
      '[{ trigger_type: git_push, config: { branch_patterns: [main] } }]',
      { event: 'push', branch: 'main' },
      true,
      'rule_matches',
      'trigger_not_active',
    ],
  ])('%s for %j', (triggers, trigger, matches, ofRule, ofAll) => {
    const decision = decide(triggers, trigger);
    expect(decision.rules).toEqual([expect.objectContaining({ matches })]);
    expect([decision.rules[0]?.reason.code, decision.reason.code]).toEqual([ofRule, ofAll]);
    expect(decision.starts).toBe(false);
  });

  it('one rule that matches is enough', () => {
    const rules = '[{ push: { branches: [a] } }, { push: { branches: [b] } }]';
    expect(decide(rules, { event: 'push', branch: 'b' }).reason.code).toBe('trigger_not_active');
  });

  const paths = '[{ push: { paths: { include: ["src/**"], exclude: ["**/*.md"] } } }]';
  it.each<[readonly string[] | 'unknown', boolean, string]>([
    [['docs/a.md', 'src/a.ts'], true, 'rule_matches'],
    [['src/deep/a.ts'], true, 'rule_matches'],
    [['src/a.md', 'docs/b.ts'], false, 'rule_other_paths'],
    [[], true, 'rule_matches'],
    ['unknown', true, 'rule_matches'],
  ])('the changed files %j', (changedPaths, matches, code) => {
    const [rule] = decide(paths, { event: 'push', branch: 'a', changedPaths }).rules;
    expect(rule).toMatchObject({ matches, reason: { code } });
  });

  it.each<[string, boolean, string]>([
    ['opened', true, 'rule_matches'],
    ['closed', false, 'rule_other_type'],
  ])('a pull request that is %s', (pullRequestType, matches, code) => {
    const [rule] = decide('[pull_request]', { event: 'pull_request', pullRequestType }).rules;
    expect(rule).toMatchObject({ matches, reason: { code } });
  });

  it('all its reasons are explained in docs/reasons.md', () => {
    const page = readFileSync(join(__dirname, '../../../docs/reasons.md'), 'utf8');
    const codes = Object.keys({ ...PREVIEW_REASONS, ...TRIGGER_REASONS });
    const missing = codes.filter((code) => !page.includes(`\`${code}\``));
    expect(missing).toEqual([]);
  });
});

describe('patterns of branches, tags and paths', () => {
  it.each([
    ['main', 'main', true],
    ['main', 'mainly', false],
    ['release/*', 'release/1', true],
    ['release/*', 'release/1/x', false],
    ['release/**', 'release/1/x', true],
    ['**/fix', 'fix', true],
    ['**/fix', 'a/b/fix', true],
    ['**', 'any/thing', true],
    ['v?.?', 'v1.2', true],
    ['v?.?', 'v1x2', false],
    ['a+b(c)[d]', 'a+b(c)[d]', true],
    ['\\Q*\\E', '\\Qx\\E', true],
    ['*'.repeat(200) + 'a', 'b'.repeat(200), false],
  ])('%s and %s', (pattern, ref, matches) => {
    expect(matchesPattern(pattern, ref)).toBe(matches);
  });
});
