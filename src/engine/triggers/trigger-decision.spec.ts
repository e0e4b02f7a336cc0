import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileYaml } from '../compiler/compile-yaml.js';
import { definitionDocument } from '../definition/definition-document.js';
import { PREVIEW_REASONS } from '../preview/preview-reasons.js';
import { namePattern } from './name-pattern.js';
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
    ['[push]', { event: 'push', branch: 'dev' }, true, 'rule_matches', 'trigger_accepted'],
    ['[push]', { event: 'push' }, true, 'rule_matches', 'trigger_accepted'],
    [
      '[{ push: { branches: [main, "release/**"] } }]',
      { event: 'push', branch: 'release/1/x' },
      true,
      'rule_matches',
      'trigger_accepted',
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
      'trigger_accepted',
    ],
    ['[{ tag: "v*" }]', { event: 'tag', tag: 'v1.2' }, true, 'rule_matches', 'trigger_accepted'],
    ['[{ tag: "v*" }]', { event: 'tag', tag: '1.2' }, false, 'rule_other_ref', 'trigger_no_match'],
    ['[{ tag: "v*" }]', { event: 'tag' }, null, 'rule_unsure', 'trigger_unsure'],
    [
      '[{ schedule: { cron: "0 3 * * *" } }]',
      { event: 'schedule' },
      true,
      'rule_matches',
      'trigger_accepted',
    ],
    ['[webhook]', { event: 'webhook' }, true, 'rule_matches', 'trigger_accepted'],
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
      'trigger_accepted',
    ],
  ])('%s for %j', (triggers, trigger, matches, ofRule, ofAll) => {
    const decision = decide(triggers, trigger);
    expect(decision.rules).toEqual([expect.objectContaining({ matches })]);
    expect([decision.rules[0]?.reason.code, decision.reason.code]).toEqual([ofRule, ofAll]);
    expect(decision.starts).toBe(ofAll === 'trigger_accepted');
  });

  it('a schedule and a webhook start nothing while an input is missing; a push does', () => {
    const inputProblems = [
      { path: 'inputs.a', code: 'missing_input', message: 'The input "a" is missing.' },
    ] as const;
    const rules = '[push, webhook, { schedule: { cron: "0 3 * * *" } }]';
    for (const event of ['schedule', 'webhook']) {
      expect(decide(rules, { event }, { inputProblems })).toMatchObject({
        starts: false,
        reason: { code: 'inputs_invalid' },
      });
    }
    expect(decide(rules, { event: 'push' }, { inputProblems }).starts).toBe(true);
  });

  it('one rule that matches is enough', () => {
    const rules = '[{ push: { branches: [a] } }, { push: { branches: [b] } }]';
    expect(decide(rules, { event: 'push', branch: 'b' }).reason.code).toBe('trigger_accepted');
  });

  const paths = '[{ push: { paths: { include: ["src/**"], exclude: ["**/*.md"] } } }]';
  it('says why it matches where nobody knows the changed files', () => {
    const event = { event: 'push', branch: 'a', changedPaths: 'unknown' } as const;
    const [rule] = decide(paths, { ...event, pathsProblem: 'the branch is new' }).rules;
    expect(rule).toMatchObject({
      matches: true,
      reason: {
        message: 'it matches, since nobody can tell which files were changed: the branch is new',
        data: { problem: 'the branch is new' },
      },
    });
    const { reason } = decide(paths, event);
    expect(reason.message).toContain('nobody can tell which files were changed');
  });

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

  it('what an exclusion leaves out, a later one with "!" takes back', () => {
    const rules = '[{ push: { paths: { exclude: ["docs/**", "!docs/api.md"] } } }]';
    const matches = (path: string): unknown =>
      decide(rules, { event: 'push', changedPaths: [path] }).rules[0]?.matches;
    expect(['docs/a.md', 'docs/api.md', 'src/a.ts'].map(matches)).toEqual([false, true, true]);
  });

  it('keeps every part, with what was asked for and what the event says', () => {
    const rules =
      '[{ push: { branches: [main], paths: { include: ["src/**"], exclude: ["**/*.md", "!a.md"] } } }, { tag: "v*" }]';
    const event = { event: 'push', branch: 'dev', skipText: 'fix', changedPaths: ['src/a'] };
    const { parts, rules: decided } = decide(rules, event);
    expect(parts).toEqual([
      { part: 'enabled', expected: ['true'], actual: ['true'], result: 'passes' },
      { part: 'skip_mark', expected: [], actual: [], result: 'passes' },
    ]);
    expect(decided.map((rule) => rule.parts)).toEqual([
      [
        { part: 'event', expected: ['push'], actual: ['push'], result: 'passes' },
        { part: 'branch', expected: ['main'], actual: ['dev'], result: 'fails' },
        {
          part: 'paths',
          expected: ['src/**', '!**/*.md', 'a.md'],
          actual: ['src/a'],
          result: 'passes',
        },
      ],
      [{ part: 'event', expected: ['tag'], actual: ['push'], result: 'fails' }],
    ]);
  });

  it('keeps the first 20 of many changed files, and how many more there are', () => {
    const changedPaths = Array.from({ length: 23 }, (_, index) => `src/${index}`);
    const [rule] = decide(paths, { event: 'push', changedPaths }).rules;
    const { actual, more } = rule?.parts.find(({ part }) => part === 'paths') ?? {};
    expect([actual?.length, more]).toEqual([20, 3]);
  });

  it.each<[TriggerEvent, object]>([
    [
      { event: 'pull_request', fork: true },
      { part: 'forks', expected: ['run'], actual: ['approval'], result: 'fails' },
    ],
    [
      { event: 'schedule' },
      { part: 'inputs', expected: [], actual: ['There is none.'], result: 'fails' },
    ],
    [
      { event: 'push', skipText: 'x [skip ci]' },
      { part: 'skip_mark', expected: [], actual: ['[skip ci]'], result: 'fails' },
    ],
  ])('the part that fails for %j', (trigger, part) => {
    const inputProblems = [
      { path: 'a', code: 'missing_input', message: 'There is none.' },
    ] as const;
    const { parts } = decide('[pull_request]', trigger, { inputProblems });
    expect(parts).toContainEqual(part);
  });

  it.each([
    ['fix [skip ci] this', '[skip ci]'],
    ['[NO CI]', '[no ci]'],
    ['skip-checks: true', 'skip-checks: true'],
    ['the [skip] of ci', undefined],
  ])('a text that asks for no run: %j', (skipText, mark) => {
    const { starts, reason } = decide('[push]', { event: 'push', branch: 'a', skipText });
    expect(starts).toBe(mark === undefined);
    expect(reason.code).toBe(mark === undefined ? 'trigger_accepted' : 'trigger_skipped');
    expect(reason.data).toEqual(mark === undefined ? undefined : { mark });
  });

  it.each<[TriggerEvent, string]>([
    [{ event: 'pull_request', pullRequestType: 'edited', baseChanged: true }, 'rule_matches'],
    [{ event: 'pull_request', pullRequestType: 'edited', baseChanged: false }, 'rule_other_type'],
    [{ event: 'pull_request', pullRequestType: 'opened', draft: true }, 'rule_no_drafts'],
    [{ event: 'pull_request', pullRequestType: 'opened', draft: false }, 'rule_matches'],
  ])('a pull request %j', (trigger, code) => {
    const [rule] = decide('[{ pull_request: { draft: false } }]', trigger).rules;
    expect(rule?.reason.code).toBe(code);
  });

  it.each([
    ['', 'run', 'trigger_accepted'],
    ['', undefined, 'fork_needs_approval'],
    ['forks: run', 'approval', 'fork_needs_approval'],
    ['forks: approval', 'run', 'fork_needs_approval'],
    ['forks: run', 'run', 'trigger_accepted'],
    ['forks: never', 'run', 'fork_refused'],
    ['forks: run', 'never', 'fork_refused'],
  ] as const)('of a fork, by a rule with {%s} and a connection with %s', (rule, forks, code) => {
    const trigger = { event: 'pull_request', fork: true };
    const rules = `[{ pull_request: { ${rule} } }]`;
    const decision = decide(rules, trigger, forks === undefined ? {} : { forks });
    expect([decision.starts, decision.reason.code]).toEqual([code === 'trigger_accepted', code]);
    // Where no rule is for it, that is the reason.
    const none = decide('[push]', trigger, forks === undefined ? {} : { forks });
    expect(none.reason.code).toBe('trigger_no_rule');
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
    ['{main,release/*}', 'release/1', true],
    ['{main,release/*}', 'main', true],
    ['{main,release/*}', 'release/1/x', false],
    ['src/**/*.{ts,tsx}', 'src/a/b.tsx', true],
    ['src/**/*.{ts,tsx}', 'src/a/b.js', false],
    ['{main}', '{main}', true],
    ['a{b', 'a{b', true],
    ['v{,-rc}', 'v', true],
    ['\\Q*\\E', '\\Qx\\E', true],
    ['*'.repeat(200) + 'a', 'b'.repeat(200), false],
  ])('%s and %s', (pattern, ref, matches) => {
    expect(namePattern(pattern)(ref)).toBe(matches);
  });
});
