import { WrittenTerminal } from '../../../test/support/written-text.js';
import type { Execution, LiveExecution, LogLine, Stage, Step } from '../api/wire-readers.js';
import { failureLines } from '../terminal/failure-lines.js';
import { Moments } from '../terminal/moments.js';
import { renderTable } from '../terminal/text-table.js';
import { renderDeploymentExplanation } from './deployment-view.js';
import { renderExecution } from './execution-view.js';
import { renderExplanation } from './explanation-view.js';
import { LiveProgress } from './live-progress.js';
import { LogPrinter } from './log-printer.js';
import { renderPorts, skippedLines } from './ports-command.js';
import { renderWorkers } from './workers-command.js';

const NOW = Date.parse('2026-01-31T12:03:00.000Z');
const moments = new Moments(NOW, 'Europe/Berlin');
const command = (text: string): string => `./millrace ${text}`;
const ID = '01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4b';

function step(name: string, status: string, more: Partial<Step> = {}): Step {
  return {
    name,
    status,
    reason: null,
    started_at: null,
    finished_at: null,
    duration: null,
    exit_code: null,
    continued_on_error: false,
    flaky: false,
    attempts: [],
    ...more,
  };
}

function stage(name: string, status: string, steps: Step[], more: Partial<Stage> = {}): Stage {
  return { ...step(name, status), ...more, name, status, steps };
}

const execution: Execution = {
  id: ID,
  pipeline_id: ID,
  pipeline_name: 'shop\u001b[2J',
  pipeline_version: 3,
  number: 42,
  status: 'failed',
  reason: { code: 'step_failed', message: 'step test/unit failed' },
  started_at: '2026-01-31T12:00:01.000Z',
  finished_at: '2026-01-31T12:01:01.500Z',
  duration: 60_500,
  created_at: '2026-01-31T12:00:00.000Z',
  trigger_info: { trigger_type: 'manual', triggered_by: 'token', branch: 'main' },
  commit: {
    sha: '4f0c3d2a1b2c3d4e5f60718293a4b5c6d7e8f901',
    message: 'Fix it\n\nReally',
    author: 'A',
  },
  attempt: 2,
  placements: [{ attempt: 2, worker_name: 'build-1-4711', claimed_at: '', reason: null }],
  checkout: step('checkout', 'success', { duration: 120 }),
  stages: [
    stage('build', 'success', [
      step('compile', 'success', { duration: 9_000, flaky: true, attempts: [{}, {}] }),
      step('lint', 'success', {
        duration: 12_345,
        attempts: [
          {
            phases: [
              { name: 'pull', duration: 3_000 },
              { name: 'ready', duration: 999 },
              { name: 'command', duration: 8_000 },
            ],
            tests: { passed: 3, failed: 1, error: 1, flaky: 1 },
            artifacts: { files: 1, bytes: 1_500_000 },
          },
        ],
      }),
    ]),
    stage('test', 'failed', [
      step('unit', 'failed', { duration: 800, reason: { code: 'x', message: 'exit code 1' } }),
      step('e2e', 'skipped', { reason: { code: 'x', message: 'its stage failed' } }),
    ]),
  ],
  on_failure: [],
  always: [step('report', 'running', { started_at: '2026-01-31T12:02:58.000Z' })],
  failure: {
    stage: 'test',
    step: 'unit',
    reason: { code: 'exit_code', message: 'exit code 1' },
    last_lines: ['expected 1\u001b]0;x\u0007', 'got 2'],
  },
};

it('an execution is a tree with reasons and times', () => {
  const { terminal } = new WrittenTerminal();
  expect(renderExecution(execution, terminal, moments, command).join('\n')).toBe(
    `
shop#42 version 3: failed, step test/unit failed
Id        ${ID}
Trigger   manual, by token, main
Commit    4f0c3d2a1b2c Fix it
Created   2026-01-31 13:00:00 (3 min ago)
Started   2026-01-31 13:00:01 (2 min ago)
Finished  2026-01-31 13:01:01 (1 min ago)
Time      1 min 0 s
Worker    build-1-4711 (execution attempt 2)

checkout       success       120 ms
build          success
├─ compile     success      9000 ms  passed at attempt 2
└─ lint        success       12.3 s  pull 3000 ms; tests: 3 passed, 2 failed, 1 flaky; 1 artifact, 1.4 MiB
test           failed
├─ unit        failed        800 ms  exit code 1
└─ e2e         skipped               its stage failed
always/report  running      2000 ms

First failure: test/unit: exit code 1
  | expected 1
  | got 2
  All of it: ./millrace logs ${ID} --stage test --step unit

Which tests failed: ./millrace tests ${ID}`.slice(1),
  );
});

it('a long reason of the whole execution is said once', () => {
  const message = `the image cannot be pulled: ${'x'.repeat(60)}`;
  const reason = { code: 'x', message };
  const { terminal } = new WrittenTerminal();
  const shown = renderExecution(
    {
      ...execution,
      reason: { code: 'x', message: `sidecar "db": ${message}` },
      stages: [
        stage('main', 'failed', [step('unit', 'skipped', { reason })], {
          reason: { code: 'x', message: `stage "main": sidecar "db": ${message}` },
        }),
      ],
      failure: null,
    },
    terminal,
    moments,
    command,
  ).join('\n');
  expect(shown.split(message)).toHaveLength(2);
  expect(shown).toMatch(/^main +failed +stage "main": as above$/m);
  expect(shown).toMatch(/^└─ unit +skipped +as above$/m);
  expect(shown).not.toContain('Which tests failed');
});

it('the long reason of a clone that failed is said once, though it is cut', () => {
  const message = `git could not clone: ${'it said much, '.repeat(40)}`;
  const failed = { code: 'checkout_failed', message: `the clone failed: ${message}` };
  const skipped = step('unit', 'skipped', { reason: failed });
  const told = {
    ...{ ...execution, reason: failed, approvals: [], on_failure: [], always: [] },
    checkout: step('checkout', 'failed', { reason: { code: 'git_failed', message } }),
    stages: [
      stage('main', 'skipped', [skipped, skipped], {
        reason: { ...failed, message: `stage "main": ${failed.message}` },
      }),
    ],
    failure: null,
  };
  const { terminal } = new WrittenTerminal();
  const shown = renderExecution(told, terminal, moments, command).join('\n');
  expect(shown.match(/git could not clone/g)).toHaveLength(1);
  expect(shown.match(/as above/g)).toHaveLength(4);
});

it('what waits for a worker says why none takes it, rather than that it was accepted', () => {
  const reason = { code: 'queued', message: 'Accepted.' };
  const waiting = { status: 'pending', reason, failure: null, started_at: null };
  const shown = (waits_for: Execution['waits_for']): string | undefined => {
    const { terminal } = new WrittenTerminal();
    return renderExecution({ ...execution, ...waiting, waits_for }, terminal, moments, command)[0];
  };
  expect(shown({ code: 'no_worker', message: 'No worker is running.' })).toContain(
    'pending, No worker is running.',
  );
  for (const none of [null, undefined]) expect(shown(none)).toContain('pending, Accepted.');
});

describe('a failure with much output', () => {
  const failing = (
    step: string,
    message: string,
    lines: readonly string[],
    stageName = 's',
  ): readonly string[] => {
    const { terminal } = new WrittenTerminal();
    const failure = {
      stage: stageName,
      step,
      reason: { code: 'x', message },
      last_lines: [...lines],
    };
    const stages = [stage('s', 'failed', [], { reason: { code: 'x', message } })];
    const reason = { code: 'x', message };
    return renderExecution({ ...execution, reason, stages, failure }, terminal, moments, command);
  };
  const many = Array.from({ length: 20 }, (_, index) => `${index} ${'x'.repeat(900)}`);

  it('is shown by its last lines, cut, with the command that shows the rest', () => {
    const lines = failing(
      'image',
      `executor failed running ${'y'.repeat(400)}: exit code: 3`,
      many,
    );
    const log = lines.filter((line) => line.startsWith('  | '));
    expect(log).toHaveLength(10);
    expect(log[0]).toBe(`  | 10 ${'x'.repeat(196)}…`);
    expect(lines.at(-1)).toBe(`  All of it: ./millrace logs ${ID} --stage s --step image`);
    // The reason is told whole once.
    expect(lines.filter((line) => line.includes('exit code: 3'))).toHaveLength(1);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(500);
  });

  it('why an execution waits is told whole: nothing else says it', () => {
    const { terminal } = new WrittenTerminal();
    const reason = { code: 'x', message: `waits ${'y'.repeat(400)} end` };
    const waiting = { ...execution, status: 'pending', reason, stages: [], failure: null };
    expect(renderExecution(waiting, terminal, moments, command)[0]).toMatch(/ end$/);
    const written = new WrittenTerminal();
    const live = { checkout: null, stages: [], on_failure: [], always: [] };
    new LiveProgress(written.terminal).show({ ...live, status: 'pending', reason });
    expect(written.err).toMatch(/ end\n$/);
  });

  it('gives no name to be pasted that a shell would take for code', () => {
    expect(failing('$(reboot)', 'm', ['x']).at(-1)).toBe(
      `  All of it: ./millrace logs ${ID} --stage s`,
    );
    expect(failing('-f', 'm', ['x']).at(-1)).toBe(`  All of it: ./millrace logs ${ID} --stage s`);
    expect(failing('a;reboot', 'm', ['x']).at(-1)).toBe(
      `  All of it: ./millrace logs ${ID} --stage s`,
    );
    expect(failing('a', 'm', ['x'], 'b\nreboot').at(-1)).toBe(
      `  All of it: ./millrace logs ${ID} --step a`,
    );
  });

  it('lets no name and no reason move the cursor', () => {
    const lines = failing('a\u001b[2J', 'why\u001b[1A\r\nnot', ['x']);
    expect(lines.join('')).not.toMatch(/[\u001b\r\n]/);
  });

  it('keeps the colours of lines that are not cut', () => {
    const red = '\u001b[31mred\u001b[0m';
    const failure = { stage: '', step: 'a', message: 'm', lastLines: [red, red + many[0]] };
    const [, short, long] = failureLines(failure, true);
    expect(short).toContain('\u001b[31m');
    expect(long).toBe(`  | red0 ${'x'.repeat(194)}…`);
  });
});

it('an explanation says why, in the words of the server', () => {
  const { terminal } = new WrittenTerminal();
  const none = { reason: null, when: null };
  const lines = renderExplanation(
    {
      id: ID,
      status: 'pending',
      reason: { code: 'x', message: 'waits for a worker' },
      trigger: 'manual, by token',
      queue: {
        labels: ['gpu', 'linux'],
        ahead: 2,
        workers: 1,
        free_slots: 0,
        refusals: [{ code: 'disk_low', message: 'build-1: the disk is full' }],
      },
      placements: [
        {
          attempt: 1,
          worker_name: 'w',
          claimed_at: '',
          reason: { code: 'x', message: 'it was lost' },
        },
      ],
      checkout: null,
      stages: [
        {
          ...none,
          name: 'deploy',
          status: 'skipped',
          reason: { code: 'when_false', message: 'its `when` is false' },
          when: {
            expression: "trigger.branch == 'main'",
            result: false,
            parts: [{ text: 'trigger.branch', value: 'dev\u001b[1A' }],
          },
          steps: [
            {
              ...none,
              name: 'push',
              status: 'failed',
              attempts: [{ code: 'x', message: 'exit code 1' }, null],
              caches: [
                {
                  name: 'npm',
                  restored: { code: 'cache_miss', message: 'miss: there is no k\u001b[1A' },
                  saved: { code: 'cache_saved', message: 'saved as k' },
                },
              ],
              deployments: [
                { id: 'd1', environment: 'production', service: 'shop\u001b[1A' },
                { id: 'd2', environment: 'production', service: 'shop' },
              ],
            },
          ],
        },
      ],
      on_failure: [],
      always: [{ ...none, name: 'tidy', status: 'pending', attempts: [] }],
    },
    terminal,
    new Map([
      ['d1', { status: 'failed', reason: { code: 'gate_failed', message: 'it\u001b[1A ended' } }],
    ]),
  );
  expect(lines.join('\n')).toBe(
    `
Execution ${ID} is pending: waits for a worker
Triggered: manual, by token
Queue (labels gpu, linux): 2 before it; 1 worker with 0 free slots
  takes nothing: build-1: the disk is full
Execution attempt 1 on worker w, which ended: it was lost

deploy skipped: its \`when\` is false
  when trigger.branch == 'main' was false, as trigger.branch = "dev\\u001b[1A"
  push failed
    attempt 1: exit code 1
    attempt 2: no reason was stored
    cache npm: miss: there is no k; saved as k
    deployment d1 of production/shop is failed: it ended
    deployment d2 of production/shop
always
  tidy pending`.slice(1),
  );
});

it('an explanation of one that failed and had no files says that nothing was cloned', () => {
  const { terminal } = new WrittenTerminal();
  const placement = { attempt: 1, worker_name: 'w', claimed_at: '', reason: null };
  const failed = {
    ...{ id: ID, status: 'failed', reason: null, trigger: 'manual, by token', queue: null },
    ...{ placements: [placement], checkout: null, stages: [], on_failure: [], always: [] },
  };
  const told = (one: Parameters<typeof renderExplanation>[0]): string =>
    renderExplanation(one, terminal).join('\n');
  const line = 'Cloned: nothing, as neither the pipeline nor the trigger names a repository';
  expect(told(failed)).toContain(line);
  expect(told({ ...failed, status: 'success' })).not.toContain('Cloned');
  expect(told({ ...failed, placements: [] })).not.toContain('Cloned');
  const checkout = { name: 'checkout', status: 'success', reason: null, when: null, attempts: [] };
  expect(told({ ...failed, checkout })).not.toContain('Cloned');
});

it('tells of a deployment what led to it, and when', () => {
  const { terminal } = new WrittenTerminal();
  const lines = renderDeploymentExplanation(
    {
      ...{ deployment_id: 'd1', status: 'failed', environment: 'production', service: 'shop' },
      reason: { code: 'gate_failed', message: 'it ended' },
      parts: [
        {
          ...{ about: 'cause', code: 'asked_by_step', message: 'a\u001b[1A step deploys' },
          at: '2026-01-31T12:00:00.000Z',
        },
        { about: 'end', code: 'serves_now', message: 'release 2 serves', at: null },
      ],
    },
    terminal,
    moments,
  );
  expect(lines).toEqual([
    'Deployment d1 of production/shop is failed: it ended',
    '  cause     a step deploys (2026-01-31 13:00:00)',
    '  end       release 2 serves',
  ]);
});

describe('tables', () => {
  const rows = [
    { id: ID, name: 'a pipeline of a very long name', count: 7 },
    { id: ID.replace('0', '1'), name: '日本語の名前のパイプライン', count: 1_000 },
    { id: ID.replace('0', '2'), name: 'evil\n\u001b[31mname', count: 0 },
  ];
  const columns = [
    { title: 'ID', text: (row: (typeof rows)[0]) => row.id, narrow: 'id' as const },
    { title: 'NAME', text: (row: (typeof rows)[0]) => row.name, narrow: 'name' as const },
    { title: 'COUNT', text: (row: (typeof rows)[0]) => String(row.count), align: 'right' as const },
  ];

  it('are as wide as their text where no terminal is', () => {
    expect(renderTable(rows, columns, new WrittenTerminal().terminal)).toBe(
      `
ID                                    NAME                            COUNT
${ID}  a pipeline of a very long name      7
${ID.replace('0', '1')}  日本語の名前のパイプライン       1000
${ID.replace('0', '2')}  evil name                           0`.slice(1),
    );
  });

  it('keep to a terminal by short ids and whole names', () => {
    expect(renderTable(rows, columns, new WrittenTerminal({ columns: 42 }).terminal)).toBe(
      `
ID             NAME                  COUNT
01932f5e-9d10  a pipeline of a very      7
                long name
11932f5e-9d10  日本語の名前のパイプ   1000
               ライン
21932f5e-9d10  evil name                 0`.slice(1),
    );
  });

  it('show workers with slots, drain and what they refuse', () => {
    const { terminal } = new WrittenTerminal();
    const worker = {
      id: ID,
      name: 'build-1-4711',
      host: 'build-1',
      labels: ['linux', 'gpu'],
      concurrency: 4,
      version: '0.1.0',
      status: 'active',
      running: 3,
      refusal: null,
      heartbeat_at: '2026-01-31T12:02:57.000Z',
    };
    const all = [
      worker,
      { ...worker, status: 'draining' },
      { ...worker, refusal: { code: 'disk_low', message: 'the disk is full' } },
      { ...worker, containers: { reason: 'there is no engine' } },
    ];
    expect(renderWorkers(all, { terminal, moments })).toBe(
      `
NAME          HOST     STATE     SLOTS  LABELS     VERSION  LAST BEAT  NOTE
build-1-4711  build-1  active      3/4  linux,gpu  0.1.0    3 s ago
build-1-4711  build-1  draining    3/4  linux,gpu  0.1.0    3 s ago    drains, 3 still run
build-1-4711  build-1  active      3/4  linux,gpu  0.1.0    3 s ago    takes nothing: the disk is full
build-1-4711  build-1  active      3/4  linux,gpu  0.1.0    3 s ago    no containers: there is no engine`.slice(
        1,
      ),
    );
  });
});

describe('ports', () => {
  const leased = {
    host: 'build-1',
    port: 20_417,
    name: 'default',
    owner: { service: 'shop', release: '7', instance: null },
    state: 'held',
    reason: null,
    since: '2026-01-31T12:02:57.000Z',
  };

  it('are shown with whose they are and what keeps them', () => {
    const { terminal } = new WrittenTerminal();
    const all = [
      leased,
      { ...leased, port: 8080, owner: { ...leased.owner, instance: '2' }, name: 'admin' },
      { ...leased, state: 'releasing', reason: 'node (pid 41) has it' },
    ];
    expect(renderPorts(all, { terminal, moments })).toBe(
      `
 PORT  HOST     SERVICE  RELEASE  NAME     STATE      SINCE    NOTE
20417  build-1  shop     7        default  held       3 s ago
 8080  build-1  shop     7 (2)    admin    held       3 s ago
20417  build-1  shop     7        default  releasing  3 s ago  node (pid 41) has it`.slice(1),
    );
  });

  it('that are skipped are told with the reason', () => {
    const skipped = [
      { from: 32_768, to: 33_000, host: 'a', code: 'ephemeral', reason: 'the kernel has them' },
      { from: 80, to: 80, host: 'b', code: 'in_use', reason: 'nginx (pid 812) has it' },
    ];
    expect(skippedLines({ skipped })).toEqual([
      'Ports 32768-33000 of a: skipped, the kernel has them.',
      'Port 80 of b: skipped, nginx (pid 812) has it.',
    ]);
  });
});

describe('the log', () => {
  const line = (seq: number, text: string, more: Partial<LogLine> = {}): LogLine => ({
    seq,
    ts: '2026-01-31T12:00:00.000Z',
    stream: 'stdout',
    stage: 'build',
    step: 'all',
    attempt: 1,
    text,
    ...more,
  });

  it('names the step, and puts the pieces of a line together', async () => {
    const written = new WrittenTerminal();
    const printer = new LogPrinter(written.terminal);
    await printer.print([
      line(1, 'one'),
      line(2, 'ha', { continues: true }),
      line(3, 'lf', { continues: true }),
    ]);
    await printer.print([line(4, ', whole'), line(5, 'open', { continues: true })]);
    await printer.print([line(6, 'other', { step: 'other' }), line(7, 'end', { continues: true })]);
    printer.end();
    expect(written.out).toBe(
      'build/all | one\nbuild/all | half, whole\nbuild/all | open\nbuild/other | other\nbuild/all | end\n',
    );
  });

  it('keeps colours for a terminal only, and nothing else that moves it', async () => {
    const text = '\u001b[32mok\u001b[2J';
    const style = { prefix: false, timestamps: true };
    const plain = new WrittenTerminal();
    await new LogPrinter(plain.terminal, style).print([line(1, text)]);
    expect(plain.out).toBe('2026-01-31T12:00:00.000Z ok\n');
    const coloured = new WrittenTerminal({ colour: true });
    await new LogPrinter(coloured.terminal, { ...style, timestamps: false }).print([line(1, text)]);
    expect(coloured.out).toBe('\u001b[32mok\u001b[0m\n');
  });
});

it('progress tells what an execution waits for, each time that this changes', () => {
  const written = new WrittenTerminal();
  const progress = new LiveProgress(written.terminal);
  const none = { checkout: null, stages: [], on_failure: [], always: [] };
  const queued = { code: 'queued', message: 'Accepted.' };
  const noWorker = { code: 'no_worker', message: 'No worker is running.' };
  for (const waits_for of [undefined, noWorker, noWorker, null]) {
    progress.show({ ...none, status: 'pending', reason: queued, waits_for });
  }
  expect(written.err).toBe(
    'pending   Accepted.\npending   No worker is running.\npending   Accepted.\n',
  );
});

it('progress tells each change once, beside the log', () => {
  const written = new WrittenTerminal();
  const progress = new LiveProgress(written.terminal);
  const at = (status: string, unit: string): LiveExecution => ({
    status,
    reason: { code: 'x', message: 'waits for a worker' },
    checkout: null,
    stages: [{ name: 'test', steps: [step('unit', unit), step('e2e', 'skipped')] }],
    on_failure: [],
    always: [],
  });
  const states: readonly [string, string][] = [
    ['pending', 'pending'],
    ['pending', 'pending'],
    ['running', 'running'],
    ['running', 'running'],
    ['success', 'success'],
  ];
  for (const [status, unit] of states) progress.show(at(status, unit));
  progress.sum(execution, command);
  expect(written.out).toBe('');
  expect(written.err).toBe(
    `pending   waits for a worker
running   test/unit
success   test/unit

success   build
success     compile  9000 ms  passed after a retry
success     lint  12.3 s
failed    test
failed      unit  800 ms  exit code 1
skipped     e2e  its stage failed

First failure: test/unit: exit code 1
  | expected 1
  | got 2

Which tests failed: ./millrace tests ${ID}

failed    Result  1 min 0 s
`,
  );
});

it('says how a deployment is answered with which an execution waits', () => {
  const { terminal } = new WrittenTerminal();
  const linesOf = (status: string, data: Record<string, unknown>): string => {
    const reason = { code: 'suspended', message: 'waits', data };
    const asking = { ...execution, status, reason, failure: null };
    return renderExecution(asking, terminal, moments, command).join('\n');
  };
  const data = { waits_for: 'deployment', deployment_id: 'd-1' };
  expect(linesOf('waiting', data)).toContain('Answer it: ./millrace approve d-1, or reject');
  expect(linesOf('success', data)).not.toContain('Answer it');
  expect(linesOf('waiting', { waits_for: 'approval' })).not.toContain('Answer it');
});

it('tells of the time that it took how much of it people were waited for', () => {
  const written = new WrittenTerminal();
  new LiveProgress(written.terminal).sum({ ...execution, failure: null, waited: 59_000 }, command);
  expect(written.err).toContain('Result  1 min 0 s, of which it waited 59.0 s');
  const none = new WrittenTerminal();
  new LiveProgress(none.terminal).sum({ ...execution, failure: null, waited: 0 }, command);
  expect(none.err).not.toContain('waited');
});
