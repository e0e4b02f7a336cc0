import { chmod, mkdtemp, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { LogLine } from '../../src/cli/api/wire-readers.js';
import { entryFile } from '../../src/config/paths.js';
import { removeTree } from '../support/remove-tree.js';
import {
  CommandLine,
  type Outcome,
  type RunningCommand,
  runProgram,
} from '../support/command-line.js';
import { eventually } from '../support/eventually.js';
import { MillraceServer } from '../support/millrace-server.js';

const TOKEN = 'test-token-of-24-characters';

/** The command line as the client of a real server with a real worker. */
describe('the command line as a client', () => {
  let server: MillraceServer;
  let home: string;
  let cli: CommandLine;
  let file: string;

  beforeAll(async () => {
    server = await MillraceServer.start();
    home = await mkdtemp(join(tmpdir(), 'millrace client-'));
    // Steps are another user, and look into it.
    await chmod(home, 0o755);
    cli = new CommandLine(home, { TZ: 'UTC' });
    file = join(home, 'pipeline.yaml');
    const { code, stderr } = await login(cli);
    if (code !== 0) throw new Error(stderr);
  });
  afterAll(async () => {
    await server?.stop();
    await removeTree(home);
  });

  function login(as: CommandLine): Promise<Outcome> {
    return as.run(['login', server.baseUrl, '--token-stdin'], { input: `${TOKEN}\n` });
  }

  async function create(
    name: string,
    steps: string,
    top = '',
    more: readonly string[] = [],
  ): Promise<string> {
    await writeFile(file, `name: ${name}\n${top}stages:\n  - name: s\n    steps:\n${steps}`);
    const { code, stdout, stderr } = await cli.run(['pipelines', 'create', file, ...more]);
    if (code !== 0) throw new Error(stderr);
    return stdout.split(' ')[0] ?? '';
  }

  async function begun(command: RunningCommand, text: string): Promise<void> {
    await eventually(() => command.stdout().includes(text) || undefined);
  }

  function executionOf(command: RunningCommand): string {
    return /Execution ([0-9a-f-]{36})/.exec(command.stderr())?.[1] ?? '';
  }

  it('login checks the token, keeps it for this user only, and never shows it', async () => {
    const other = await mkdtemp(join(home, 'other-'));
    const mine = new CommandLine(other);
    const wrong = await mine.run(['login', server.baseUrl, '--token', 'wrong']);
    expect(wrong.code).toBe(4);
    expect(wrong.stderr).toContain('The token of the request is not valid');
    const kept = join(other, '.config/millrace/logins.json');
    await expect(stat(kept)).rejects.toThrow('ENOENT');
    expect((await mine.run(['workers', '--server', server.baseUrl])).code).toBe(4);

    const right = await login(mine);
    expect(right).toMatchObject({ code: 0, stderr: '' });
    expect(right.stdout).toContain(`Logged in to ${server.baseUrl} (Millrace `);
    expect(right.stdout).not.toContain(TOKEN);
    expect((await stat(kept)).mode & 0o777).toBe(0o600);
    expect((await stat(join(other, '.config/millrace'))).mode & 0o777).toBe(0o700);
    expect((await mine.run(['workers'])).code).toBe(0);
    // What the environment says goes before what was stored, and the flag before that.
    const env = { MILLRACE_TOKEN: 'from-the-environment' };
    const refused = await mine.run(['workers'], env);
    expect(refused.code).toBe(4);
    expect(refused.stderr).toContain('is from MILLRACE_TOKEN');
    expect((await mine.run(['workers', '--token', TOKEN], env)).code).toBe(0);

    expect((await mine.run(['logout'])).code).toBe(0);
    await expect(stat(kept)).rejects.toThrow('ENOENT');
    expect((await mine.run(['logout'])).code).toBe(5);
    expect((await mine.run(['login', server.baseUrl])).code).toBe(2);
  });

  it('secrets: set from standard input, list, delete; no value is ever shown', async () => {
    const id = await create('with-secret', '      - { run: "echo [$A_KEY]", secrets: [A_KEY] }\n');
    const set = await cli.run(['secrets', 'set', 'A_KEY', '-p', 'with-secret'], {
      input: 'hunter2-and-more\n',
    });
    expect(set).toMatchObject({ code: 0, stderr: 'The line end at the end is left out.\n' });
    const asGlobal = await cli.run(['secrets', 'set', 'B_KEY', '--json'], { input: 'two\nlines' });
    expect(JSON.parse(asGlobal.stdout)).toMatchObject({ name: 'B_KEY', scope: 'global' });
    const list = await cli.run(['secrets']);
    expect(list.stdout).toMatch(/^A_KEY +pipeline +with-secret /m);
    expect(list.stdout).toMatch(/^B_KEY +global +/m);
    expect((await cli.run(['secrets', 'list', '-p', id])).stdout).not.toContain('B_KEY');
    const run = await cli.run(['trigger', id]);
    expect([run.code, run.stdout]).toEqual([0, 's/step-1 | [***]\n']);

    const change = ['secrets', 'change', 'A_KEY', '-p', id];
    expect((await cli.run(change)).code).toBe(2);
    expect((await cli.run([...change, '--events', 'push,deploy'])).code).toBe(2);
    expect((await cli.run([...change, '--events', 'push, tag', '--protected'])).stdout).toBe(
      'Changed A_KEY. Runs of push, tag get it, if they are of the default branch or of a protected tag.\n',
    );
    const again = await cli.run(['secrets', 'set', 'A_KEY', '-p', id], { input: 'hunter2-and-on' });
    expect(again.stderr).toContain('Runs of push, tag get it, if');
    expect((await cli.run(['secrets'])).stdout).toMatch(/^A_KEY .* push, tag +yes /m);
    const withheld = await cli.run(['trigger', id]);
    expect([withheld.code, withheld.stderr]).toEqual([
      1,
      expect.stringContaining('A_KEY of the pipeline is only for push, tag; this run is of cli.'),
    ]);
    const open = await cli.run([...change, '--events', 'all', '--no-protected']);
    expect(open.stdout).toBe('Changed A_KEY. Runs of all events get it.\n');

    for (const [input, why] of [
      ['', 'No value was given'],
      ['abc', 'cannot be masked'],
      [Buffer.from([0xff, 0xfe]), 'not UTF-8'],
    ] as const) {
      const refused = await cli.run(['secrets', 'set', 'A_KEY'], {}, Buffer.from(input));
      expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining(why)]);
    }
    const nobody = await cli.run(['secrets', 'set', 'A_KEY', '--repository', 'a/b'], {
      input: 'value',
    });
    expect(nobody).toMatchObject({ code: 5, stderr: expect.stringContaining('"a/b"') });
    expect((await cli.run(['secrets', 'delete', 'A_KEY'])).code).toBe(5);
    expect((await cli.run(['secrets', 'delete', 'A_KEY', '-p', id])).code).toBe(0);
    expect((await cli.run(['secrets', 'delete', 'B_KEY'])).code).toBe(0);
    expect(await cli.run(['secrets'])).toMatchObject({ code: 0, stdout: '' });
    const shown = [set, asGlobal, list, run].map((each) => each.stdout + each.stderr).join('');
    expect(shown).not.toContain('hunter2');
  });

  it('pipelines: create, list, get, yaml, update, delete; by id, beginning and name', async () => {
    const id = await create('shop-Ünïcode', '      - run: echo one\n');
    const text = await readFile(file, 'utf8');
    expect((await cli.run(['pipelines'])).stdout).toMatch(
      new RegExp(`^${id} {2}shop-Ünïcode +1 {2}yes`, 'm'),
    );
    const listed = JSON.parse((await cli.run(['pipelines', '--json', '--limit', '1'])).stdout);
    expect(listed.items).toEqual([expect.objectContaining({ id, version: 1 })]);
    for (const reference of [id, id.slice(0, 30), 'shop-Ünïcode']) {
      expect((await cli.run(['pipelines', 'yaml', reference])).stdout).toBe(text);
    }
    await writeFile(file, text.replace('one', 'two'));
    const other = join(home, 'other-name.yaml');
    await writeFile(other, 'name: quite-another\nsteps: [echo hello]\n');
    const renaming = await cli.run(['pipelines', 'update', id, other]);
    expect(renaming.code).toBe(2);
    expect(renaming.stderr).toContain('The file is that of "quite-another"');
    expect(renaming.stderr).toContain('--rename');
    const updated = await cli.run(['pipelines', 'update', id, file, '--if-version', '1']);
    expect(updated).toMatchObject({ code: 0, stdout: `${id}  shop-Ünïcode  version 2\n` });
    await writeFile(file, text.replace('one', 'three'));
    const late = await cli.run(['pipelines', 'update', id, file, '--if-version', '1']);
    expect(late.code).toBe(1);
    expect((await cli.run(['pipelines', 'get', id])).stdout).toMatch(/^Version {5}2$/m);

    expect((await cli.run(['pipelines', 'disable', id])).code).toBe(0);
    expect((await cli.run(['pipelines'])).stdout).toMatch(new RegExp(`^${id} .* no `, 'm'));
    expect((await cli.run(['trigger', id])).code).toBe(1);
    expect((await cli.run(['pipelines', 'enable', id])).code).toBe(0);
    expect((await cli.run(['trigger', id])).stdout).toBe('s/step-1 | two\n');

    const refused = await cli.run(['pipelines', 'create', file]);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('There is a pipeline "shop-Ünïcode" already.\n');
    expect(refused.stderr).toContain(`  ${id}  shop-Ünïcode\n`);
    expect(refused.stderr).toContain(`./millrace apply ${file}, or `);
    const double = ['--allow-duplicate'];
    const twin = await create('shop-Ünïcode', '      - run: echo one\n', '', double);
    const ambiguous = await cli.run(['pipelines', 'get', 'shop-Ünïcode']);
    expect(ambiguous.code).toBe(2);
    expect(ambiguous.stderr).toContain(`  ${id}  shop-Ünïcode\n`);
    expect(ambiguous.stderr).toContain(`  ${twin}  shop-Ünïcode\n`);
    expect((await cli.run(['pipelines', 'delete', twin])).code).toBe(0);
    const gone = await cli.run(['pipelines', 'get', twin, '--json']);
    expect(gone).toMatchObject({ code: 5, stdout: '' });
    expect(JSON.parse(gone.stderr)).toMatchObject({
      error: 'NotFoundError',
      suggestions: [expect.any(String)],
    });
    expect((await cli.run(['pipelines', 'get', 'no-such-name'])).code).toBe(5);

    await writeFile(file, text.replace('run:', 'rum:'));
    const broken = await cli.run(['pipelines', 'create', file]);
    expect(broken.code).toBe(2);
    expect(broken.stderr).toContain(`${file}:5:9: error: `);
    const json = await cli.run(['pipelines', 'create', file, '--json']);
    expect(JSON.parse(json.stderr)).toMatchObject({
      error: 'ValidationError',
      details: expect.arrayContaining([expect.objectContaining({ line: 5 })]),
    });
  });

  it('pipelines update --rename: the file may be that of another name', async () => {
    const id = await create('draft', '      - run: echo one\n');
    const other = join(home, 'renamed.yaml');
    await writeFile(other, 'name: no-draft\nsteps: [echo hello]\n');
    expect(await cli.run(['pipelines', 'update', 'draft', other, '--rename'])).toMatchObject({
      code: 0,
      stdout: `${id}  no-draft  version 2\n`,
    });
    expect((await cli.run(['pipelines', 'yaml', 'no-draft'])).stdout).toBe(
      await readFile(other, 'utf8'),
    );
    expect((await cli.run(['pipelines', 'get', 'draft'])).code).toBe(5);
  });

  it('pipelines versions, stats and diff', async () => {
    const id = await create('many', '      - run: echo one\n');
    await writeFile(file, (await readFile(file, 'utf8')).replace('echo one', 'echo two'));
    expect((await cli.run(['apply', file])).code).toBe(0);
    const versions = await cli.run(['pipelines', 'versions', 'many']);
    expect(versions.stdout).toMatch(/^VERSION {2}NAME .*\n {6}2 {2}many .*\n {6}1 {2}many /);
    const before = await cli.run(['pipelines', 'yaml', 'many@1']);
    expect(before).toMatchObject({ code: 0, stdout: expect.stringContaining('echo one\n') });
    const stats = await cli.run(['pipelines', 'stats', 'many', '--days', '7']);
    expect(stats.stdout).toMatch(/^Executions {4}0 in 7 days$/m);
    const diff = await cli.run(['pipelines', 'diff', 'many@1', id]);
    expect(diff.stdout).toMatch(
      /^--- many version 1\n\+\+\+ many version 2\n@@ .* @@\n(?: .*\n)+-.*echo one\n\+.*echo two\n$/,
    );
    const same = await cli.run(['pipelines', 'diff', 'many@2', 'many']);
    expect(same).toMatchObject({ code: 0, stdout: '', stderr: 'They are the same.\n' });
    expect((await cli.run(['pipelines', 'diff', 'many@9', 'many'])).code).toBe(5);
  });

  it('trigger: the log, the result and the exit code', async () => {
    await create('good', '      - run: echo "hi $WHO"; echo oops >&2\n');
    await create('bad', '      - run: echo last words; exit 3\n');
    await create('slow', '      - run: sleep 60\n', 'timeout: 1s\n');
    const copies = 'inputs: { copies: { type: number, default: 1 } }';
    const say = '      - run: echo "${{ inputs.copies }} copies"\n';
    await create('asking', say, `triggers: [{ manual: { ${copies} } }]\n`);
    const [good, bad, slow, json, absent, given, unfit] = await Promise.all([
      cli.run(['trigger', 'good', '--env', 'WHO=Ada', '--branch', 'main']),
      cli.run(['trigger', 'bad']),
      cli.run(['trigger', 'slow']),
      cli.run(['trigger', 'bad', '--json']),
      cli.run(['trigger', 'good', '--input', 'no=such']),
      cli.run(['trigger', 'asking', '--input', 'copies=3']),
      cli.run(['trigger', 'asking', '--input', 'copies=many']),
    ]);
    const key = ['trigger', 'good', '--no-follow', '--idempotency-key', 'once-only-1'];
    const [once, twice] = [await cli.run(key), await cli.run(key)];
    expect(once).toMatchObject({ code: 0, stdout: twice.stdout });
    expect(good.code).toBe(0);
    expect(good.stdout.split('\n').sort()).toEqual(['', 's/step-1 | hi Ada', 's/step-1 | oops']);
    expect(good.stderr).toMatch(/^success {3}Result {2}\d+ ms$/m);
    expect(bad.code).toBe(1);
    expect(bad.stderr).toMatch(
      /^failed {4}s {2}.*\nfailed {6}step-1 .*\n\nFirst failure: s\/step-1: .*\n {2}\| last words\n\nfailed {4}Result/m,
    );
    expect(slow.code).toBe(124);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      status: 'failed',
      trigger_info: { trigger_type: 'cli' },
    });
    expect([absent.code, absent.stderr]).toEqual([
      2,
      expect.stringContaining('The pipeline has no input "no".'),
    ]);
    expect([given.code, given.stdout]).toEqual([0, 's/step-1 | 3 copies\n']);
    expect([unfit.code, unfit.stderr]).toEqual([
      2,
      expect.stringContaining('The input "copies" must be a number.'),
    ]);
    expect(`${good.stdout}${good.stderr}`).not.toContain('\u001b');
  });

  it('follows through a restart of the server: every line once, in order', async () => {
    const steps = '      - run: for i in $(seq 400); do echo "line $i"; sleep 0.02; done; exit 7\n';
    await create('long', steps);
    const command = cli.start(['trigger', 'long']);
    await begun(command, 'line 30\n');
    const port = new URL(server.baseUrl).port;
    await server.api?.end('SIGKILL');
    await eventually(() => command.stderr().includes('Connection lost') || undefined);
    await server.startApi({ PORT: port });
    const { code, stdout, stderr } = await command.ended;
    const wanted = Array.from({ length: 400 }, (_, index) => `s/step-1 | line ${index + 1}`);
    expect(stdout.trimEnd().split('\n')).toEqual(wanted);
    expect(stderr).toContain('Connected again.');
    expect(code).toBe(1);
  });

  it('Ctrl-C leaves the execution alone, says how to continue, and logs -f continues', async () => {
    const go = join(home, 'go');
    await create(
      'patient',
      `      - run: echo begun; until [ -e "${go}" ]; do sleep 0.05; done; echo over\n`,
    );
    const command = cli.start(['trigger', 'patient']);
    await begun(command, 'begun');
    command.signal('SIGINT');
    const left = await command.ended;
    const id = executionOf(command);
    expect(left.code).toBe(130);
    expect(left.stderr).toContain(`./millrace cancel ${id}\n`);
    expect(left.stderr).toContain(`./millrace logs -f ${id}\n`);
    expect((await server.execution(id)).status).toBe('running');

    const follow = cli.start(['logs', '-f', id]);
    await begun(follow, 'begun');
    await writeFile(go, '');
    expect(await follow.ended).toMatchObject({
      code: 0,
      stdout: 's/step-1 | begun\ns/step-1 | over\n',
    });
    // As it is: all, behind a line, of a step; as JSON lines.
    const logs = (...args: string[]): Promise<Outcome> => cli.run(['logs', id, ...args]);
    expect((await logs('--no-prefix')).stdout).toBe('begun\nover\n');
    expect((await logs('--since-seq', '1')).stdout).toBe('s/step-1 | over\n');
    const typo = await logs('--step', 'other');
    expect([typo.code, typo.stdout, typo.stderr]).toEqual([
      2,
      '',
      "millrace: There is no step 'other'.\n  The steps are: s/step-1\n",
    ]);
    expect((await logs('--step', 's/step-1', '--no-prefix')).stdout).toBe('begun\nover\n');
    const lines = (await logs('--json')).stdout.trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as LogLine).text)).toEqual(['begun', 'over']);
    const followed = (await logs('-f', '--json')).stdout.trimEnd().split('\n');
    expect(followed.map((line) => (JSON.parse(line) as LogLine).seq)).toEqual([1, 2]);
  });

  it('Ctrl-C cancels where that was asked for, and cancel is told from afar', async () => {
    await create(
      'endless',
      '      - run: echo begun; sleep 300\n',
      'always:\n  - run: echo hook\n',
    );
    const command = cli.start(['trigger', 'endless', '--cancel-on-interrupt']);
    await begun(command, 'begun');
    command.signal('SIGINT');
    const { code, stdout } = await command.ended;
    expect(code).toBe(130);
    expect(stdout).toContain('| hook');
    expect((await server.execution(executionOf(command))).status).toBe('cancelled');

    const other = cli.start(['trigger', 'endless']);
    await begun(other, 'begun');
    const cancelled = await cli.run(['cancel', '@', '--reason', 'wrong branch']);
    expect(cancelled).toMatchObject({ code: 0, stdout: `Cancelled ${executionOf(other)}.\n` });
    const { code: result, stderr } = await other.ended;
    expect(result).toBe(6);
    expect(stderr).toMatch(/^cancelled Result .*wrong branch/m);
    const again = await cli.run(['cancel', 'last']);
    expect(again.code).toBe(1);
    expect(again.stderr.trimEnd().split('\n')).toHaveLength(2);
  });

  it('status, explain, rerun and workers', async () => {
    const pipeline = await create(
      'choosy',
      "      - name: yes\n        run: echo y\n      - name: no\n        when: trigger.branch == 'main'\n        run: echo n\n",
    );
    const started = await cli.run(['trigger', 'choosy', '--branch', 'dev', '--no-follow']);
    const id = started.stdout.trim();
    await server.finished(id);
    const one = await cli.run(['status', id]);
    expect(one.stdout).toMatch(/^choosy#1 version 1: success$/m);
    expect(one.stdout).toMatch(/^└─ no +skipped .*when/m);
    expect((await cli.run(['status', id.slice(0, 34), '--json'])).stdout).toContain(`"id":"${id}"`);
    expect((await cli.run(['status', 'choosy#1', '--json'])).stdout).toContain(`"id":"${id}"`);
    expect(await cli.run(['status', 'choosy#2'])).toMatchObject({ code: 5 });
    const last = ['status', 'last', '-p', 'choosy', '--json'];
    expect((await cli.run([...last, '--branch', 'dev'])).stdout).toContain(`"id":"${id}"`);
    expect((await cli.run([...last, '--branch', 'nowhere'])).code).toBe(5);
    expect((await cli.run([...last, '--state', 'cancelled'])).code).toBe(5);
    const needless = await cli.run(['status', 'choosy#1', '--state', 'failed']);
    expect([needless.code, needless.stderr.split('\n')[0]]).toEqual([
      2,
      'millrace: --state chooses among executions, and "choosy#1" names one.',
    ]);
    const listed = await cli.run(['status', '-p', 'choosy', '--state', 'success']);
    expect(listed.stdout).toMatch(new RegExp(`^ID .*\\n${id} {2}choosy#1 +v1 +success +dev `));
    const some = JSON.parse((await cli.run(['status', '--json', '--limit', '2'])).stdout);
    expect(some.items).toHaveLength(2);
    expect(some.next_cursor).toEqual(expect.any(String));

    const explained = await cli.run(['explain', id]);
    expect(explained.stdout).toContain(
      '    when trigger.branch == \'main\' was false, as trigger.branch = "dev"\n',
    );
    expect(JSON.parse((await cli.run(['explain', id, '--json'])).stdout)).toMatchObject({ id });

    const rerun = await cli.run(['rerun', id]);
    expect(rerun).toMatchObject({ code: 0, stdout: 's/yes | y\n' });
    const ids = JSON.parse((await cli.run(['status', '-p', pipeline, '--json'])).stdout).items;
    expect(ids).toHaveLength(2);

    const workers = await cli.run(['workers']);
    expect(workers.stdout).toMatch(
      /^NAME .*\n\S+ +\S+ +active +\d\/4 {2}linux +\d+\.\d+\.\d+ +\d+ s ago +no containers: there is no container engine at \S+: start Docker, or set DOCKER_HOST to the socket of one$/m,
    );
    expect(JSON.parse((await cli.run(['workers', '--json'])).stdout)[0]).toMatchObject({
      status: 'active',
    });
    expect((await cli.run(['ports'])).stderr).toMatch(/^No port is given\. PORT_RANGE is /);
    expect(JSON.parse((await cli.run(['ports', '--json'])).stdout)).toMatchObject({ items: [] });
  });

  it('plan tells of a file and of a pipeline what a trigger would do, and stores nothing', async () => {
    const steps =
      "      - name: yes\n        run: echo y\n      - name: no\n        when: trigger.branch == 'main'\n        run: echo n\n";
    const id = await create('planned', steps);
    const [of, piped, stored, pushed, json, graph] = await Promise.all([
      cli.run(['plan', file, '--branch', 'dev']),
      cli.run(['plan', '-', '--branch', 'main'], { input: await readFile(file, 'utf8') }),
      cli.run(['plan', 'planned', '--branch', 'dev']),
      cli.run(['plan', id.slice(0, 34), '--event', 'push', '--branch', 'main']),
      cli.run(['plan', id, '--json', '--env', 'WHO=Ada']),
      cli.run(['plan', id, '--mermaid', '--branch', 'dev']),
    ]);
    expect(of).toMatchObject({ code: 0, stderr: '' });
    expect(of.stdout).toBe(
      `
planned: an execution would start
Why       cli: whoever may trigger the pipeline starts it, with or without a rule
Rules     manual: it matches
Timeout   1 h 0 min

s       would run
├─ yes  would run
└─ no   would be skipped  its \`when\` is false: trigger.branch == 'main'
     when trigger.branch == 'main' is false; trigger.branch = "dev"
`.slice(1),
    );
    expect(stored.stdout).toBe(of.stdout);
    expect(piped.stdout).toMatch(/^└─ no +would run /m);
    expect(pushed).toMatchObject({ code: 0 });
    expect(pushed.stdout).toMatch(
      /^planned: no execution would start\nWhy {7}push: no rule of the pipeline is for "push"$/m,
    );
    expect(JSON.parse(json.stdout)).toMatchObject({
      valid: true,
      decision: { event: 'cli', starts: true },
      plan: { environment: expect.arrayContaining(['WHO']) },
    });
    expect(graph).toMatchObject({ code: 0, stderr: '' });
    expect(graph.stdout).toMatch(/^flowchart LR\n {2}subgraph s0\["s"\]\n/);
    const runs = await cli.run(['status', '-p', id, '--json']);
    expect(JSON.parse(runs.stdout).items).toEqual([]);

    await writeFile(file, (await readFile(file, 'utf8')).replace('run: echo n', 'rum: echo n'));
    const broken = await cli.run(['plan', file]);
    const linted = await cli.run(['lint', file]);
    expect(broken).toMatchObject({ code: 1, stderr: '' });
    expect(broken.stdout).toBe(linted.stdout);
    expect(broken.stdout).toContain(`${file}:9:9: error: `);
    expect(JSON.parse((await cli.run(['plan', file, '--json'])).stdout)).toMatchObject({
      valid: false,
      plan: null,
    });
    const noGraph = await cli.run(['plan', file, '--mermaid']);
    expect(noGraph).toMatchObject({ code: 1, stdout: '', stderr: linted.stdout });

    const unknown = await cli.run(['plan', 'no-such.yaml']);
    expect(unknown.code).toBe(5);
    expect(unknown.stderr).toContain('There is no file and no pipeline "no-such.yaml".\n');
    expect((await cli.run(['plan', file, '--event', 'x'])).code).toBe(2);
    expect((await cli.run(['plan', file, '--json', '--mermaid'])).code).toBe(2);
    const both = await cli.run(['plan', id, '--branch', 'a', '--tag', 'b']);
    expect(both.code).toBe(2);
  });

  it('explain says where in the queue it is', async () => {
    await create('waits', '      - run: echo x\n', 'runs_on: [no-such-label]\n');
    const id = (await cli.run(['trigger', 'waits', '--no-follow'])).stdout.trim();
    const { stdout } = await cli.run(['explain', id]);
    expect(stdout).toMatch(/^Queue \(labels .*no-such-label.*\): it is next; 0 workers/m);
    expect((await cli.run(['cancel', id])).code).toBe(0);
  });

  it('completes commands, options, values and names in bash', async () => {
    await create('to-complete', '      - run: echo x\n');
    await cli.run(['trigger', 'to-complete', '--no-follow']);
    const program = join(home, 'millrace');
    const entry = entryFile('cli');
    await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" "${entry}" "$@"\n`);
    await chmod(program, 0o755);
    const script = join(home, 'completion.bash');
    await writeFile(script, (await cli.run(['completion', 'bash'])).stdout);
    const complete = async (...words: string[]): Promise<string[]> => {
      const code =
        'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _millrace; printf "%s\\n" "${COMPREPLY[@]}"';
      const environment = { HOME: home, MILLRACE_HOME: join(home, 'data') };
      const args = ['-c', code, 'bash', script, program, ...words];
      const { stdout, stderr } = await runProgram('bash', args, environment);
      expect(stderr).toBe('');
      return stdout.split('\n').filter((word) => word !== '');
    };
    expect(await complete('pi')).toEqual(['pipelines']);
    expect(await complete('pipelines', 'e')).toEqual(['enable']);
    expect(await complete('trigger', '--no')).toEqual(['--no-follow']);
    expect(await complete('status', '--state', 'r')).toEqual(['running']);
    expect(await complete('pipelines', '--cur')).toEqual(['--cursor']);
    expect(await complete('trigger', '--branch', 'main', 'to-c')).toEqual(['to-complete']);
    expect(await complete('logs', '-f', 'la')).toEqual(['last']);
    expect(await complete('status', '--pipeline', 'to-')).toEqual(['to-complete']);
    expect(await complete('workers', '')).toEqual([]);
    expect(await complete('plan', '--event', 'pu')).toEqual(['push', 'pull_request']);
    expect(await complete('plan', 'to-c')).toEqual(['to-complete']);
    expect(await complete('plan', join(home, 'compl').replace(' ', '\\ '))).toEqual([script]);
    expect(await complete('')).toEqual(expect.arrayContaining(['start', 'login', 'completion']));
    expect(await complete('')).not.toContain('complete-names');
  });

  it('says what is wrong and what to do, in two lines, with an exit code', async () => {
    const away = await cli.run(['workers', '--server', await closedPort()]);
    expect(away.code).toBe(3);
    expect(away.stderr).toMatch(
      /^millrace: Nothing answers at \S+ \(connection refused\)\.\n {2}Start a server .*\n$/,
    );
    const readable = await cli.run(['workers', '--server', 'http://ci.example', '--token', 'x']);
    expect(readable.code).toBe(2);
    expect((await cli.run(['workers', '--no-such-flag'])).code).toBe(2);
    expect((await cli.run(['status', '--limit', '0'])).code).toBe(2);
    expect((await cli.run(['logs', UNKNOWN_ID])).code).toBe(5);
    expect((await cli.run(['--help'])).stdout).toContain('Exit codes: 0 success; 1 ');
  });

  it('says that a server of another release does not know what it asks', async () => {
    const health = JSON.stringify({ status: 'ok', version: '0.0.9' });
    const old = await fake((path) =>
      path === '/api/healthchecker'
        ? { status: 200, body: health }
        : {
            status: 405,
            body: errorBody('MethodNotAllowedError', { method: 'POST', allowed: [] }),
          },
    );
    const empty = await fake((path) => ({
      status: 404,
      body: errorBody('NotFoundError', { method: 'GET', path }),
    }));
    try {
      const plan = ['plan', file, '--token', 'x', '--server', old.url];
      const { code, stderr } = await cli.run(plan);
      expect(code).toBe(3);
      expect(stderr).toMatch(
        /^millrace: \S+ does not know what this command asks\.\n {2}The server is Millrace 0\.0\.9, older than this command \(\d+\.\d+\.\d+\): update it, or .*\n$/,
      );
      const json = await cli.run([...plan, '--json']);
      expect(JSON.parse(json.stderr)).toMatchObject({
        error: 'MethodNotAllowedError',
        suggestions: [expect.stringContaining('0.0.9')],
      });
      const nowhere = await cli.run(['workers', '--token', 'x', '--server', empty.url]);
      expect(nowhere.code).toBe(3);
      expect(nowhere.stderr).toContain('the server may also be older than this command');
    } finally {
      for (const { close } of [old, empty]) close();
    }
    // Of our own server, a path that no release has.
    const wrong = await cli.run(['workers', '--server', `${server.baseUrl}/api`, '--token', TOKEN]);
    expect(wrong.code).toBe(3);
    expect(wrong.stderr).toContain('does not know what this command asks.\n  Check the');
    expect((await cli.run(['pipelines', 'get', UNKNOWN_ID])).code).toBe(5);
  });

  it('speaks TLS to a server with a CA of its own, and to no other', async () => {
    const folder = await mkdtemp(join(home, 'tls-'));
    const made = await runProgram(resolve('deploy/make-certificate'), [folder, 'localhost']);
    expect(made).toMatchObject({ code: 0 });
    const front = await tlsFront(folder, server.baseUrl);
    try {
      const other = new CommandLine(folder);
      const input = `${TOKEN}\n`;
      const unknown = await other.run(['login', front.url, '--token-stdin'], { input });
      expect(unknown.code).toBe(3);
      expect(unknown.stderr).toMatch(
        /^millrace: The certificate of localhost:\d+ is signed by nobody that this machine trusts\.\n {2}When the CA is your own, set NODE_EXTRA_CA_CERTS /,
      );
      expect(front.requests()).toBe(0);
      const NODE_EXTRA_CA_CERTS = join(folder, 'fullchain.pem');
      const trusting = new CommandLine(folder, { NODE_EXTRA_CA_CERTS });
      const name = `tls-${front.url.split(':').at(-1)}`;
      await create(name, '      - run: echo through TLS\n');
      const login = await trusting.run(['login', front.url, '--token-stdin'], { input });
      expect(login).toMatchObject({ code: 0, stderr: '' });
      expect(login.stdout).toContain(`Logged in to ${front.url} `);
      expect((await trusting.run(['pipelines'])).stdout).toContain(` ${name} `);
      const followed = await trusting.run(['trigger', name]);
      expect(followed).toMatchObject({ code: 0, stdout: 's/step-1 | through TLS\n' });
      expect(front.requests()).toBeGreaterThan(4);
      // Log-ins are not trust: without the CA nothing is sent.
      expect((await other.run(['pipelines'])).code).toBe(3);
      const plain = front.url.replace('https:', 'http:');
      expect((await trusting.run(['workers', '--server', plain, '--token', 'x'])).code).toBe(3);
    } finally {
      front.close();
    }
  });

  it('tells a hostile or broken server from ours, and obeys nothing that it says', async () => {
    const hostile = await fake((path) =>
      path.startsWith('/api/workers')
        ? { status: 200, body: JSON.stringify([{ ...WORKER, name: 'a\u001b]0;x\u0007\u009b2Jb' }]) }
        : { status: 429, body: ERROR, headers: { 'retry-after': '77' } },
    );
    const redirecting = await fake(() => ({
      status: 302,
      body: '',
      headers: { location: 'http://evil.example' },
    }));
    const broken = await fake(() => ({ status: 502, body: '<html>' }));
    try {
      const ask = (url: string, ...args: string[]): Promise<Outcome> =>
        cli.run([...args, '--server', url, '--token', 'x']);
      const shown = await ask(hostile.url, 'workers');
      expect(shown.stdout).toMatch(/\nab +h /);
      expect((await ask(hostile.url, 'workers', '--json')).stdout).toContain('\\u009b2Jb');
      const limited = await ask(hostile.url, 'status');
      expect(limited.code).toBe(3);
      expect(limited.stderr).toBe(
        'millrace: Too many.\n  The server asks to wait for 77 s.\n  Wait.\n',
      );
      const led = await ask(redirecting.url, 'workers');
      expect(led).toMatchObject({ code: 3 });
      expect(led.stderr).toContain('leads elsewhere');
      const gateway = await ask(broken.url, 'workers');
      expect(gateway.code).toBe(3);
      expect(gateway.stderr).toContain('answers 502, but not as a Millrace server does');
      expect(broken.requests()).toBe(4);
    } finally {
      for (const { close } of [hostile, redirecting, broken]) close();
    }
  });
});

const WORKER = {
  id: 'x',
  name: 'n',
  host: 'h',
  labels: [],
  concurrency: 1,
  version: '1',
  status: 'active',
  running: 0,
  refusal: null,
  heartbeat_at: new Date().toISOString(),
};
const UNKNOWN_ID = '01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4b';
const ERROR = errorBody('RateLimitError', '');

function errorBody(error: string, details: unknown): string {
  const words = { message: 'Too many.', suggestions: ['Wait.'], timestamp: '' };
  return JSON.stringify({ error, details, ...words });
}

interface FakeAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Record<string, string>;
}

/** A server that is not ours. */
async function fake(
  answer: (path: string) => FakeAnswer,
): Promise<{ url: string; close: () => void; requests: () => number }> {
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    const { status, body, headers } = answer(request.url ?? '');
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
  });
  const url = await listen(server);
  return { url, close: () => void server.close(), requests: () => requests };
}

/** A TLS server in front of one without, as a proxy is. */
async function tlsFront(
  folder: string,
  target: string,
): Promise<{ url: string; close: () => void; requests: () => number }> {
  const [key, cert] = await Promise.all(
    ['privkey.pem', 'fullchain.pem'].map((name) => readFile(join(folder, name))),
  );
  let requests = 0;
  const server = createTlsServer({ key, cert }, (incoming, outgoing) => {
    requests++;
    const { method, headers, url = '' } = incoming;
    const further = request(`${target}${url}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    further.on('error', () => outgoing.destroy());
    outgoing.on('close', () => further.destroy());
    incoming.pipe(further);
  });
  const url = new URL(await listen(server));
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `https://localhost:${url.port}`, close, requests: () => requests };
}

async function closedPort(): Promise<string> {
  const server = createServer();
  const url = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return url;
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
