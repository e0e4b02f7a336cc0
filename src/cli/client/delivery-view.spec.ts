import { WrittenTerminal } from '../../../test/support/written-text.js';
import type { Delivery, DeliveryDecision } from '../api/wire-readers.js';
import { Moments } from '../terminal/moments.js';
import { renderDelivery, subjectOf } from './delivery-view.js';
import { renderSchedules } from './schedules-command.js';

const NOW = Date.parse('2026-01-31T12:03:00.000Z');
const moments = new Moments(NOW, 'UTC');
const ID = '01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4b';
const COMMIT = '4f0c3d2a1b2c3d4e5f60718293a4b5c6d7e8f901';

const delivery: Delivery = {
  id: ID,
  kind: 'forge',
  pipeline_id: null,
  repository_id: ID,
  repository_name: 'acme/shop',
  forge: 'github',
  forge_delivery_id: 'abc',
  event: 'push',
  branch: 'main',
  tag: null,
  number: null,
  commit: COMMIT,
  status: 'done',
  reason: null,
  duplicate_of: null,
  replay_of: null,
  dry_run: false,
  received_at: '2026-01-31T12:00:00.000Z',
  decided_at: '2026-01-31T12:00:01.000Z',
  problem: null,
  decisions: [],
};
const decision: DeliveryDecision = {
  pipeline_id: ID,
  pipeline_name: 'shop',
  path: '.millrace.yml',
  version: 3,
  starts: true,
  reason: { code: 'trigger_accepted', message: 'a rule is for it: it matches' },
  parts: [],
  rules: [
    {
      event: 'push',
      matches: true,
      reason: { code: 'rule_matches', message: 'it matches' },
      parts: [
        { part: 'event', expected: ['push'], actual: ['push'], result: 'passes' },
        { part: 'paths', expected: ['src/**'], actual: ['src/a', 'b'], more: 3, result: 'passes' },
      ],
    },
    {
      event: 'tag',
      matches: false,
      reason: { code: 'x', message: 'the rule is for "tag"' },
      parts: [{ part: 'event', expected: ['tag'], actual: ['push'], result: 'fails' }],
    },
  ],
  execution_id: ID,
  same_commit: [],
};

function shown(change: Partial<Delivery>): string[] {
  return renderDelivery({ ...delivery, ...change }, new WrittenTerminal().terminal, moments);
}

it('a delivery is a decision for each pipeline, with its rules and what to type next', () => {
  const nothing = {
    ...decision,
    pipeline_name: 'docs',
    path: null,
    starts: false,
    reason: { code: 'trigger_no_match', message: 'no rule matches: the branch "a" fits none' },
    rules: [
      {
        event: 'push',
        matches: null,
        reason: { code: 'x', message: 'it depends' },
        parts: [
          { part: 'branch', expected: ['main', 'v*'], actual: null, result: 'unknown' } as const,
        ],
      },
    ],
    execution_id: null,
    same_commit: [{ event: 'pull_request', execution_id: ID }],
  };
  expect(shown({ decisions: [decision, nothing] }).join('\n')).toBe(
    `
push: it starts 1 of 2 pipelines
Id        ${ID}
Of        main 4f0c3d2a1b2c
From      github, repository acme/shop, its delivery abc
Came      2026-01-31 12:00:00 (3 min ago)
Decided   2026-01-31 12:00:01 (2 min ago)

shop (.millrace.yml, version 3): starts
  why: a rule is for it: it matches
  ├─ rule push: yes, it matches
  │    paths passes: src/a, b and 3 more; asked for src/**
  └─ rule tag: no, the rule is for "tag"
  ./millrace status ${ID}

docs (stored pipeline, version 3): starts nothing
  why: no rule matches: the branch "a" fits none
  └─ rule push: unsure, it depends
       branch unknown: not said; asked for main, v*
  the pull_request of this commit runs too: ./millrace status ${ID}
`.trim(),
  );
});

it.each<[string, Partial<Delivery>]>([
  ['github, repository acme/shop, its delivery abc', {}],
  [`github, repository ${ID}`, { repository_name: null, forge_delivery_id: null }],
  ['the heads at github, repository acme/shop: no webhook came', { kind: 'missed_push' }],
  [`the webhook of pipeline ${ID}`, { kind: 'pipeline', pipeline_id: ID }],
  ['the webhook of pipeline shop', { kind: 'pipeline', pipeline_id: ID, decisions: [decision] }],
])('it says from where it came: %s', (words, change) => {
  expect(shown(change)).toContain(`From      ${words}`);
});

it.each<[string, Partial<Delivery>]>([
  ['it waits to be decided', { status: 'received', decided_at: null }],
  ['the same came before: it starts nothing', { status: 'duplicate', duplicate_of: ID }],
  ['it starts nothing: a ping', { status: 'ignored', reason: { code: 'x', message: 'a ping' } }],
  ['its commit has no .millrace.yml', { decisions: [] }],
  ['it would start 1 of 1 pipelines', { dry_run: true, decisions: [decision] }],
])('its first line answers: %s', (words, change) => {
  expect(shown(change)[0]).toContain(words);
});

it('of a file that does not compile all problems are shown', () => {
  const found = { severity: 'error', code: 'unknown_key', message: 'No key "rnu".' };
  const problems = [
    { ...found, line: 3, column: 5, suggestion: 'Did you mean "run"?' },
    { ...found, line: 7, column: 5 },
  ];
  const reason = { code: 'definition_invalid', message: 'm', data: { path: 'a.yml', problems } };
  const lines = shown({ decisions: [{ ...decision, starts: false, reason, rules: [] }] });
  expect(lines.slice(-5)).toEqual([
    '  why: m',
    '    a.yml:3:5: error: No key "rnu". [unknown_key]',
    '        Did you mean "run"?',
    '    a.yml:7:5: error: No key "rnu". [unknown_key]',
    `  ./millrace status ${ID}`,
  ]);
});

it('what waits for an approval says how to give it, and never by a name that a shell obeys', () => {
  const reason = { code: 'fork_needs_approval', message: 'm', data: { commit: COMMIT } };
  const waiting = { ...decision, starts: false, execution_id: null, reason };
  expect(shown({ decisions: [waiting] }).at(-1)).toBe(
    `  ./millrace deliveries approve ${ID} --pipeline shop --commit ${COMMIT}`,
  );
  for (const change of [
    { pipeline_name: 'a;reboot' },
    { reason: { ...reason, data: { commit: '$(reboot)' } } },
  ]) {
    const lines = shown({ decisions: [{ ...waiting, ...change }] });
    expect(lines.filter((line) => line.includes('approve '))).toEqual([]);
  }
});

it('schedules show the next times of each rule, and what came of the last', () => {
  const { terminal } = new WrittenTerminal();
  const at = '2026-02-01T02:00:00.000Z';
  const reason = { code: 'trigger_accepted', message: 'it matches' };
  const last = { at, starts: true, reason, execution_id: ID };
  const rule = { cron: '0 3 * * *', timezone: 'Europe/Vienna', catch_up: false, next: [at], last };
  expect(renderSchedules({ starts: false, reason, items: [rule] }, terminal, moments)).toEqual([
    'a tick starts nothing now: it matches',
    '',
    '0 3 * * *  Europe/Vienna  catch_up: false',
    '  next  2026-02-01 02:00:00',
    `  last  2026-02-01 02:00:00  ${ID}: it matches`,
  ]);
});

it.each<[Partial<Delivery>, string]>([
  [{}, 'main 4f0c3d2a1b2c'],
  [{ branch: null, tag: 'v1' }, 'v1 4f0c3d2a1b2c'],
  [{ branch: null, number: 12 }, '#12 4f0c3d2a1b2c'],
  [{ commit: null }, 'main'],
  [{ branch: null, commit: null }, ''],
])('what a delivery is of: %j', (change, words) => {
  expect(subjectOf({ ...delivery, ...change })).toBe(words);
});
