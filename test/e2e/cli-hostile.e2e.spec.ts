import { mkdtemp, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../../src/cli/program.js';
import { removeTree } from '../support/remove-tree.js';
import { MemorySampler, MIB, peakOf } from '../support/process-memory.js';
import { CommandLine } from '../support/command-line.js';
import { WrittenTerminal } from '../support/written-text.js';

const ID = '01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4b';
const HOSTILE = 'a\u001b]0;x\u0007\u001b[2J\u009b1;1Hb\u202e\u0000';
const LIMIT_MS = 20_000;
const LIMIT = 300 * MIB;
const SLOW_TEST_MS = 120_000;

/**
 * Whatever a server answers: each command is over in time, says what is wrong, and obeys nothing.
 */
describe('the command line against a hostile or broken server', () => {
  let folder: string;
  let file: string;
  const servers: (() => void)[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-hostile-'));
    file = join(folder, 'p.yaml');
    await writeFile(file, 'name: p\nstages:\n  - name: s\n    steps:\n      - run: echo x\n');
  });
  afterEach(() => {
    for (const close of servers.splice(0)) close();
  });
  afterAll(() => removeTree(folder));

  function commands(): string[][] {
    return [
      ['status'],
      ['status', ID],
      ['status', 'last'],
      ['status', '0193'],
      ['logs', ID],
      ['logs', '-f', ID],
      ['explain', ID],
      ['trigger', ID],
      ['trigger', 'p', '--no-follow'],
      ['plan', ID],
      ['plan', file],
      ['plan', ID, '--event', 'push', '--changed', 'a'],
      ['repositories'],
      ['repositories', 'check', ID],
      ['repositories', 'disconnect', ID],
      ['repositories', 'rotate-secret', ID],
      ['deliveries'],
      ['deliveries', 'show', ID],
      ['deliveries', 'show', 'last'],
      ['deliveries', 'replay', ID],
      ['deliveries', 'approve', ID, '-p', 'a', '--commit', 'abcdef0'],
      ['schedules', ID],
      ['tokens'],
      ['tokens', 'create', 'a', '--scope', 'pipelines:read'],
      ['tokens', 'revoke', ID],
      ['service-accounts'],
      ['service-accounts', 'create', 'a'],
      ['service-accounts', 'delete', ID],
      ['pipelines'],
      ['pipelines', 'get', ID],
      ['pipelines', 'yaml', ID],
      ['pipelines', 'create', file],
      ['pipelines', 'update', ID, file],
      ['pipelines', 'enable', ID],
      ['pipelines', 'disable', ID],
      ['pipelines', 'delete', ID],
      ['apply', file],
      ['apply', file, '--pipeline', ID],
      ['workers'],
      ['cancel', ID],
      ['rerun', ID],
      ['rerun', ID, '--no-follow'],
    ];
  }

  async function listen(server: Server): Promise<string> {
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => {
      sockets.add(socket.on('error', () => undefined));
    });
    servers.push(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const answering = (answer: (response: ServerResponse, path: string) => void): Promise<string> =>
    listen(createHttpServer((request, response) => answer(response, request.url ?? '')));

  const raw = (answer: (socket: Socket) => void): Promise<string> => listen(createServer(answer));

  interface Run {
    readonly name: string;
    readonly code: number;
    readonly out: string;
    readonly err: string;
    readonly ms: number;
  }

  async function ask(url: string, command: readonly string[]): Promise<Run> {
    const written = new WrittenTerminal();
    const begun = performance.now();
    const args = ['node', 'millrace', ...command, '--server', url, '--token', 'x'];
    const code = await runProgram(args, written.terminal);
    const ms = performance.now() - begun;
    return { name: command.join(' '), code, out: written.out, err: written.err, ms };
  }

  const askAll = (url: string, more: readonly string[] = []): Promise<Run[]> =>
    Promise.all(commands().map((command) => ask(url, [...command, ...more])));

  function expectRefused({ name, code, out, err, ms }: Run): void {
    const told = { name, refused: code !== 0, said: /^millrace: \S/m.test(err) };
    expect(told).toEqual({ name, refused: true, said: true });
    expectNothingObeyed(name, out + err);
    expect(ms).toBeLessThan(LIMIT_MS);
  }

  function expectNothingObeyed(name: string, text: string): void {
    const obeyed = text.match(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/g);
    expect({ name, obeyed, stack: /\n\s+at /.test(text) }).toEqual({
      name,
      obeyed: null,
      stack: false,
    });
  }

  it.each([
    ['null', 200],
    ['[]', 200],
    ['"x"', 200],
    ['{}', 200],
    ['{"items":null,"next_cursor":null}', 200],
    ['{"items":[null],"next_cursor":1}', 200],
    ['{"items":{"length":3},"next_cursor":null,"valid":1,"id":[]}', 200],
    ['[null]', 200],
    [`${'['.repeat(100_000)}${']'.repeat(100_000)}`, 200],
    ['{"id":', 200],
    [`<html>${HOSTILE}`, 200],
    ['', 200],
    [HOSTILE, 500],
    [JSON.stringify({ error: HOSTILE, message: HOSTILE, suggestions: [HOSTILE] }), 400],
    [JSON.stringify({ error: 'x', message: `${HOSTILE}\n${HOSTILE}`, suggestions: 3 }), 409],
    [JSON.stringify({ error: 'x', message: {}, suggestions: [{}] }), 404],
  ])('an answer that is none: number %#', async (body, status) => {
    const url = await answering((response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    });
    const runs = await askAll(url);
    // A server that keeps no worker has an empty list of them.
    const right = body === '[]' ? runs.filter(({ name }) => name !== 'workers') : runs;
    for (const run of right) expectRefused(run);
    for (const { name, code, err } of await askAll(url, ['--json'])) {
      expectNothingObeyed(name, err);
      if (code !== 0) expect(JSON.parse(err.split('\n').at(-2) ?? '')).toHaveProperty('error');
    }
  });

  it('shows texts of good answers without what a terminal obeys', async () => {
    const summary = {
      ...PIPELINE,
      name: HOSTILE,
      description: HOSTILE,
    };
    const url = await answering((response, path) => {
      const body = path.includes('/executions') ? EXECUTION : summary;
      const page = { items: [body], next_cursor: HOSTILE };
      const isList = path.includes('?');
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(path.includes('/workers') ? [WORKER] : isList ? page : body));
    });
    const reading = [
      ['status', '--limit', '1'],
      ['status', ID],
      ['workers'],
      ['pipelines', 'get', ID],
    ];
    for (const command of [...reading, ['pipelines', '--limit', '1']]) {
      for (const more of [[], ['--json']]) {
        const run = await ask(url, [...command, ...more]);
        expect({ command, code: run.code, err: run.err.replace(/^More: .*\n/, '') }).toEqual({
          command,
          code: 0,
          err: '',
        });
        expect(run.out).toMatch(/ab|\\u001b/);
        expectNothingObeyed(run.name, run.out + run.err);
      }
    }
  });

  it('follows no redirect, so that the token goes nowhere else', async () => {
    let elsewhere = 0;
    const other = await answering((response) => {
      elsewhere++;
      response.end();
    });
    for (const status of [301, 302, 303, 307, 308]) {
      const url = await answering((response) => {
        response
          .writeHead(status, { location: `${other}/${HOSTILE.replace(/[^ -~]/g, '')}` })
          .end();
      });
      for (const run of await askAll(url)) expectRefused(run);
    }
    expect(elsewhere).toBe(0);
  });

  const breaking: readonly (readonly [string, (socket: Socket) => void])[] = [
    ['closes at once', (socket) => void socket.destroy()],
    ['ends at once', (socket) => void socket.end()],
    ['speaks no HTTP', (socket) => void socket.end(`${HOSTILE}\r\n\r\n`)],
    [
      'answers less than it said',
      (socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{'),
    ],
    ['says nothing', () => undefined],
    ['sends a head and nothing more', (socket) => void socket.write('HTTP/1.1 200 OK\r\n\r\n')],
    [
      'sends a stream that tells nothing',
      (socket) => void socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n'),
    ],
    [
      'sends a stream that is over each time',
      (socket) =>
        void socket.end(
          `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\nevent: status\ndata: ${JSON.stringify(EXECUTION)}\n\n`,
        ),
    ],
    [
      'sends a byte now and then',
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n\r\n');
        const timer = setInterval(() => void socket.write('['), 300);
        socket.on('close', () => clearInterval(timer));
      },
    ],
  ];
  it(
    'is over in time whatever the connection does',
    async () => {
      const all = breaking.map(async ([name, answer]) => {
        const url = await raw(answer);
        const runs = await askAll(url);
        return runs.map((run) => ({ ...run, name: `${name}: ${run.name}` }));
      });
      for (const run of (await Promise.all(all)).flat()) expectRefused(run);
    },
    SLOW_TEST_MS,
  );

  it.each([
    ['status', 'application/json', '{"items":[', '{},'],
    ['status', 'application/json', '"', 'x'],
    ['workers', 'application/json', '[[', ',[]'],
    [`logs ${ID}`, 'application/x-ndjson', '{"text":"', 'x'],
    [`logs -f ${ID}`, 'text/event-stream', 'data: ', 'x'],
    [`logs -f ${ID}`, 'text/event-stream', '', 'data: x\n'],
    [`logs -f ${ID}`, 'text/event-stream', '', 'data: 日本\n'],
    [`logs -f ${ID}`, 'text/event-stream', '', ': x\n\n'],
    [`pipelines yaml ${ID}`, 'text/yaml', '', 'x'],
  ])(
    'an answer without end fills nothing: %s, %s, %s',
    async (command, type, begin, more) => {
      const piece = more.repeat(65_536 / more.length);
      const url = await answering((response) => {
        response.writeHead(200, { 'content-type': type });
        response.write(begin);
        const send = (): void => {
          while (!response.destroyed && response.write(piece));
        };
        response.on('drain', send);
        send();
      });
      const cli = new CommandLine(folder);
      const begun = performance.now();
      const running = cli.start([...command.split(' '), '--server', url, '--token', 'x']);
      const memory = new MemorySampler([running.child.pid], peakOf, 50);
      const { code, stdout, stderr } = await running.ended;
      const peak = memory.stop();
      expect(code).toBe(3);
      expect(stdout).toBe('');
      expect(stderr).toMatch(/^millrace: /m);
      expect(performance.now() - begun).toBeLessThan(LIMIT_MS);
      expect(peak).toBeGreaterThan(0);
      expect(peak).toBeLessThan(LIMIT);
    },
    SLOW_TEST_MS,
  );
});

const TIME = '2026-01-31T12:00:00.000Z';
const REASON = { code: HOSTILE, message: HOSTILE };
const OUTCOME = {
  status: HOSTILE,
  reason: REASON,
  started_at: TIME,
  finished_at: TIME,
  duration: 1,
};
const STEP = {
  ...OUTCOME,
  name: HOSTILE,
  exit_code: 1,
  continued_on_error: true,
  flaky: true,
  attempts: [],
};
const EXECUTION = {
  ...OUTCOME,
  id: ID,
  pipeline_id: ID,
  pipeline_name: HOSTILE,
  pipeline_version: 1,
  trigger_info: { trigger_type: HOSTILE, triggered_by: HOSTILE, branch: HOSTILE },
  commit: { sha: HOSTILE, message: HOSTILE, author: HOSTILE },
  attempt: 2,
  created_at: TIME,
  checkout: STEP,
  stages: [{ ...OUTCOME, name: HOSTILE, steps: [STEP] }],
  on_failure: [STEP],
  always: [STEP],
  failure: {
    stage: HOSTILE,
    step: HOSTILE,
    reason: REASON,
    last_lines: [HOSTILE.replace('\u202e', '')],
  },
  placements: [{ attempt: 1, worker_name: HOSTILE, claimed_at: TIME, reason: REASON }],
};
const PIPELINE = {
  id: ID,
  version: 1,
  enabled: true,
  created_at: TIME,
  updated_at: TIME,
  triggers: [],
  stages: [{ name: HOSTILE, steps: [] }],
  timeout: 1,
};
const WORKER = {
  id: HOSTILE,
  name: HOSTILE,
  host: HOSTILE,
  labels: [HOSTILE],
  concurrency: 1,
  version: HOSTILE,
  status: 'active',
  running: 0,
  refusal: REASON,
  heartbeat_at: TIME,
};
