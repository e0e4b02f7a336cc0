import { WrittenTerminal } from '../../../test/support/written-text.js';
import { compileYaml } from '../../engine/compiler/compile-yaml.js';
import { execution, explanation } from '../api/wire-readers.js';
import { Moments } from '../terminal/moments.js';
import { printProblems } from '../terminal/problem-list.js';
import { renderExecution } from './execution-view.js';
import { renderExplanation } from './explanation-view.js';
import { reasonProblemLines } from './server-problems.js';

const ID = '01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4b';
const AT = '2026-01-31T12:00:00.000Z';
const PATH = '.millrace/build.yml';
const { problems } = compileYaml(
  'name: shop\nsteps:\n  - rnu: make\n    timeout: long\n    when: a\n',
);
const { terminal } = new WrittenTerminal();

/** As `lint` shows them. */
function linted(): string[] {
  const lines: string[] = [];
  printProblems(PATH, problems, (line) => lines.push(line), terminal);
  return lines;
}

const failed = {
  id: ID,
  status: 'failed',
  reason: {
    code: 'definition_invalid',
    message: `The file ${PATH} does not compile.`,
    data: { path: PATH, problems },
  },
  placements: [],
  stages: [],
  on_failure: [],
  always: [],
};

it('status shows every problem of a file that does not compile, as lint does', () => {
  const answer = {
    ...failed,
    pipeline_id: ID,
    pipeline_name: 'shop',
    pipeline_version: 0,
    trigger_info: { trigger_type: 'git_push', triggered_by: 'ada' },
    attempt: 0,
    created_at: AT,
  };
  const moments = new Moments(Date.parse(AT), 'UTC');
  const lines = renderExecution(execution(answer, ''), terminal, moments, (text) => text);
  expect(linted().length).toBeGreaterThan(4);
  expect(lines.slice(-linted().length - 1)).toEqual(['', ...linted()]);
});

it('explain shows every problem of a file that does not compile, as lint does', () => {
  const answer = { ...failed, trigger: 'a push by ada' };
  const lines = renderExplanation(explanation(answer, ''), terminal);
  expect(lines.slice(1, -2)).toEqual(linted());
});

it('says how many more there are', () => {
  const lines = reasonProblemLines({ data: { ...failed.reason.data, more: 7 } }, terminal);
  expect(lines.at(-1)).toBe('7 more are not listed.');
});

it.each([{}, { data: {} }, { data: { problems: 'x' } }, { data: { problems: [{ line: 'x' }] } }])(
  'shows nothing of a reason without problems: %j',
  (reason) => {
    expect(reasonProblemLines(reason, terminal)).toEqual([]);
  },
);

it('shows nothing that a terminal obeys', () => {
  const evil = { path: 'a\u001b[2J.yml', problems: [{ ...problems[0], message: 'x\u001b[2J' }] };
  expect(reasonProblemLines({ data: evil }, terminal).join('')).not.toContain('\u001b');
});
