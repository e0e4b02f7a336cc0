import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { entryFile, packageRoot } from '../../src/config/paths.js';
import { renderEnvExample } from '../../src/config/describe-config.js';
import { removeTree } from '../support/remove-tree.js';
import { eventually } from '../support/eventually.js';
import { processesWith } from '../support/processes.js';

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const HELLO = join(packageRoot(), 'examples/hello.yaml');

/**
 * The commands that need no server, as real processes: results on standard output, all else beside
 * it.
 */
describe('the command line', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace cli-'));
  });
  afterAll(() => removeTree(folder));

  function launch(
    args: readonly string[],
    environment: Record<string, string> = {},
    cwd = folder,
  ): ChildProcess {
    return spawn(process.execPath, [entryFile('cli'), ...args], {
      cwd,
      env: { PATH: process.env['PATH'], HOME: folder, TMPDIR: folder, ...environment },
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  async function millrace(
    args: readonly string[],
    { input = '', ...environment }: Record<string, string> = {},
    cwd = folder,
  ): Promise<Outcome> {
    const child = launch(args, environment, cwd);
    child.stdin?.end(input);
    const closed = once(child, 'close') as Promise<[number | null]>;
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout as Readable),
      text(child.stderr as Readable),
      closed,
    ]);
    return { code, stdout, stderr };
  }

  async function pipeline(name: string, steps: string, top = ''): Promise<string> {
    const file = join(folder, name);
    await writeFile(file, `name: p\n${top}stages:\n  - name: s\n    steps:\n${steps}`);
    return file;
  }

  async function workspaces(): Promise<string[]> {
    return (await readdir(folder)).filter((name) => name.startsWith('mr-'));
  }

  it('run: the log on standard output, progress beside it, no colours in a pipe', async () => {
    const { code, stdout, stderr } = await millrace(['run', HELLO, '--env', 'GREETING=Hi']);
    expect(code).toBe(0);
    expect(stdout).toContain('greet/say | Hi from Linux');
    expect(stdout).toContain('tell/result | 1 + 2 + 3 + 4 = 10\n');
    expect(stderr).toMatch(/^success {3}Result {2}\d+ ms$/m);
    expect(`${stdout}${stderr}`).not.toContain('\u001b');
    expect(await workspaces()).toEqual([]);
  });

  describe('plan, without a server', () => {
    let repository: string;
    const plan = (args: readonly string[], input = ''): Promise<Outcome> =>
      millrace(['plan', ...args], { input }, repository);

    beforeAll(async () => {
      repository = join(folder, 'repository');
      await mkdir(join(repository, '.millrace'), { recursive: true });
      const rules = 'push: { branches: [main], paths: { include: ["src/**"] } }';
      await writeFile(
        join(repository, '.millrace.yml'),
        `name: shop\ntriggers: [{ ${rules} }, pull_request]\nsteps: [make]\n`,
      );
      await writeFile(
        join(repository, '.millrace/docs.yml'),
        'name: docs\ntriggers: [{ push: { branches: ["docs/*"] } }]\nsteps: [make docs]\n',
      );
    });

    it('decides a push for each file of the folder, and shows the steps of what would start', async () => {
      const push = ['--event', 'push', '--branch', 'main', '--changed'];
      const { code, stdout, stderr } = await plan([...push, 'README.md', 'src/a.ts']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toBe(
        `
.millrace.yml
shop: an execution would start
Why       push: a rule is for it: it matches
Rules     push: it matches
          pull_request: the rule is for "pull_request"
Timeout   1 h 0 min

main       would run
└─ step-1  would run

.millrace/docs.yml
docs: no execution would start
Why       push: no rule matches: the branch "main" fits none of "docs/*"
Rules     push: the branch "main" fits none of "docs/*"
`.slice(1),
      );
      const other = await plan([...push, 'README.md']);
      expect(other.stdout).toContain('no file that it changed is one that the rule asks for');
      const { items } = JSON.parse((await plan([...push, 'src/a', '--json'])).stdout) as {
        items: { file: string; valid: boolean; decision: { starts: boolean } }[];
      };
      expect(items.map(({ file, valid, decision }) => [file, valid, decision.starts])).toEqual([
        ['.millrace.yml', true, true],
        ['.millrace/docs.yml', true, false],
      ]);
    });

    it.each<[readonly string[], string]>([
      [['--base', 'main'], 'it matches for opened'],
      [['--action', 'closed'], 'not for "closed"'],
      [['--title', '[skip ci] x'], '"[skip ci]" asks for no run'],
      [['--fork'], 'needs an approval'],
    ])(
      'decides a pull request: %j',
      async (flags, words) => {
        const { code, stdout } = await plan(['.millrace.yml', '--event', 'pull_request', ...flags]);
        expect([code, stdout]).toEqual([0, expect.stringContaining(words)]);
      },
      30_000,
    );

    it('decides what a forge has sent', async () => {
      const sha = 'a'.repeat(40);
      const push = {
        ref: 'refs/heads/docs/x',
        before: 'b'.repeat(40),
        after: sha,
        head_commit: { id: sha, message: 'one' },
        commits: [{ added: [], removed: [], modified: ['x.md'] }],
      };
      const of = (change: object): Promise<Outcome> =>
        plan(['--event-file', '-'], JSON.stringify({ ...push, ...change }));
      expect((await of({})).stdout).toMatch(/^docs: an execution would start$/m);
      expect((await of({ head_commit: { id: sha, message: '[skip ci]' } })).stdout).toMatch(
        /^docs: no execution would start\nWhy +push: "\[skip ci\]" asks for no run$/m,
      );
      expect((await of({ after: '0'.repeat(40) })).stdout).toBe(
        'Nothing would start: The branch or tag was deleted.\n',
      );
      const repo = { id: 1 };
      const request = {
        action: 'opened',
        number: 7,
        pull_request: {
          title: 'x',
          base: { ref: 'main', repo },
          head: { ref: 'y', sha, repo: { id: 2 } },
        },
      };
      expect((await of(request)).stdout).toContain('needs an approval');
      const gitlab = {
        object_kind: 'tag_push',
        ref: 'refs/tags/v1',
        after: sha,
        checkout_sha: sha,
      };
      expect((await of(gitlab)).stdout).toContain('no rule of the pipeline is for "tag"');
      for (const input of ['{', '{"zen": "x"}', '[]']) {
        const refused = await plan(['--event-file', '-'], input);
        expect([refused.code, refused.stderr]).toEqual([
          2,
          expect.stringMatching(/^millrace: -: /),
        ]);
      }
    });

    it('refuses what no event has, and says what is wrong with a file', async () => {
      const wrong: readonly (readonly string[])[] = [
        ['--draft'],
        ['--branch', 'a', '--tag', 'b'],
        ['--mermaid'],
        ['--event-file', 'x', '--branch', 'a'],
        ['--env', 'CI_X=1'],
        ['x', '--event-file', '-', '--server', 'http://127.0.0.1:9'],
      ];
      for (const flags of wrong) {
        const { code, stderr } = await plan(flags);
        expect({ flags, code, stack: stderr.includes('    at ') }).toEqual({
          flags,
          code: 2,
          stack: false,
        });
      }
      const none = await millrace(['plan']);
      expect([none.code, none.stderr]).toEqual([5, expect.stringContaining('.millrace.yml')]);
      const broken = await plan(['-'], 'name: x\nsteps: 1\n');
      expect([broken.code, broken.stdout]).toEqual([1, expect.stringMatching(/^-:2:8: error: /)]);
    });
  });

  it('run: the exit code is the result', async () => {
    const failing = await pipeline('failing.yaml', '      - run: exit 3\n');
    const slow = await pipeline('slow.yaml', '      - run: sleep 60\n', 'timeout: 1s\n');
    const wrong = await pipeline('wrong.yaml', '      - rum: exit 3\n');
    const outcomes = await Promise.all(
      [[failing], [slow], [wrong], ['absent.yaml'], [failing, '--env', 'x'], []].map((args) =>
        millrace(['run', ...args]),
      ),
    );
    expect(outcomes.map(({ code }) => code)).toEqual([1, 124, 2, 2, 2, 2]);
    expect(outcomes[2]?.stderr).toMatch(
      /wrong\.yaml:5:9: error: .*"rum".*\n {4}Did you mean "run"/,
    );
    expect(outcomes[3]?.stderr).toBe('millrace: absent.yaml: there is no such file or folder\n');
  });

  it('run: without containers, says what cannot run, and runs nothing', async () => {
    const file = join(folder, 'containers.yaml');
    await writeFile(
      file,
      'name: c\nsteps: [{ name: first, run: echo first }, { name: in, image: a, run: b }]\n',
    );
    const run = await millrace(['run', file, '--no-containers']);
    expect([run.code, run.stdout]).toEqual([2, '']);
    expect(run.stderr).toContain('Without containers these cannot run: main/in.');
  });

  it('run: artifacts are saved; what is in the way of them is told, before the run if it can be', async () => {
    const saved = join(folder, 'saved');
    const make = `echo ran; mkdir -p ${JSON.stringify(join(saved, 's.second.1/x'))}; echo 1 >f`;
    const file = await pipeline(
      'artifacts.yaml',
      `      - { name: first, run: echo 1 >f, artifacts: f }
      - { name: second, run: '${make}', artifacts: f }
`,
    );
    const run = await millrace(['run', file, '--artifacts', saved]);
    expect(run).toMatchObject({ code: 0, stdout: expect.stringContaining('s/second | ran\n') });
    expect(run.stderr).toContain(`Artifacts: ${join(saved, 's.first.1')}\n`);
    expect(run.stderr).toContain(`Artifacts: ${join(saved, 's.second.1')} is not written: `);
    expect(await readdir(join(saved, 's.first.1'))).toEqual(['f']);
    const again = await millrace(['run', file, '--artifacts', saved]);
    expect([again.code, again.stdout]).toEqual([2, '']);
    expect(again.stderr).toContain('there are already: s.first.1, s.second.1.');
    expect(await workspaces()).toEqual([]);
  });

  it('run: secrets come from a file, are masked, and must all be there', async () => {
    const file = join(folder, 'secret.yaml');
    const secrets = join(folder, 'secrets.env');
    const yaml = 'name: x\nsecrets: [A_KEY, B_KEY]\nsteps: [\'echo "[$A_KEY] [$B_KEY]"\']\n';
    await writeFile(file, yaml);
    await writeFile(secrets, '# mine\nA_KEY=hunter2-and-more\nB_KEY="first line\nsecond line"\n');
    const run = await millrace(['run', file, '--secrets-file', secrets]);
    expect([run.code, run.stdout]).toEqual([0, 'main/step-1 | [***] [***\nmain/step-1 | ***]\n']);
    const without = await millrace(['run', file]);
    expect(without).toMatchObject({ code: 2, stdout: '' });
    expect(without.stderr).toContain('There are no secrets A_KEY (named by');
    await writeFile(secrets, 'A_KEY=hunter2-and-more\nB_KEY=abc\n');
    const short = await millrace(['run', file, '--secrets-file', secrets]);
    expect([short.code, short.stderr]).toEqual([2, expect.stringContaining('cannot be masked')]);
  });

  it('run: Ctrl-C cancels, hooks run, nothing is left', async () => {
    const mark = `31.${process.pid}`;
    const file = await pipeline(
      'long.yaml',
      `      - run: |\n          setsid sleep ${mark} &\n          echo begun\n          sleep ${mark}\n`,
      'always:\n  - run: echo hook\n',
    );
    const child = launch(['run', file]);
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const closed = once(child, 'close');
    await eventually(() => output.includes('begun') || undefined);
    process.kill(-(child.pid ?? 0), 'SIGINT');
    expect(await closed).toEqual([130, null]);
    expect(output).toContain('| hook');
    expect(await processesWith(`sleep\0${mark}`)).toEqual([]);
    expect(await workspaces()).toEqual([]);
  });

  it('run: continues when nobody reads any more', async () => {
    const file = await pipeline('many.yaml', '      - run: seq 200000; exit 3\n');
    const child = launch(['run', file]);
    const stderr = text(child.stderr as Readable);
    const closed = once(child, 'close');
    child.stdout?.once('data', () => child.stdout?.destroy());
    expect(await closed).toEqual([1, null]);
    expect(await stderr).toMatch(/^failed {4}Result/m);
    expect(await workspaces()).toEqual([]);
  });

  it('lint: every problem with its place; 1 with errors, 2 when a file cannot be read', async () => {
    const wrong = await pipeline(
      'lint.yaml',
      '      - run: a\n        timeout: 5x\n    needs: [t]\n    wehn: "true"\n',
    );
    const { code, stdout, stderr } = await millrace(['lint', HELLO, wrong]);
    expect(code).toBe(1);
    expect(stderr).toBe('');
    expect(stdout).toContain(`${HELLO}: ok\n`);
    expect(stdout).toMatch(/lint\.yaml:6:18: error: .*"5x"/);
    expect(stdout).toMatch(/lint\.yaml:8:5: error: .*"wehn".*\n {4}Did you mean "when"/);
    expect(stdout).toMatch(/lint\.yaml: 3 errors\n$/);

    const json = await millrace(['lint', '--json', wrong]);
    const reports = JSON.parse(json.stdout) as { file: string; problems: unknown[] }[];
    expect(reports.map(({ file, problems }) => [file, problems.length])).toEqual([[wrong, 3]]);

    expect((await millrace(['lint', '-'], { input: 'name: x\n' })).code).toBe(1);
    expect((await millrace(['lint', 'absent.yaml'])).code).toBe(2);
  });

  it.each([
    'plan .',
    'plan ./pipelines/',
    'plan pipelines',
    'plan --event-file pipelines',
    'lint pipelines',
    'run pipelines',
    'apply pipelines',
    'pipelines create pipelines',
    'pipelines update shop pipelines',
    'deploy --file pipelines',
    'schema --write pipelines',
  ])('a folder where a file is to be named: %s', async (line) => {
    await mkdir(join(folder, 'pipelines'), { recursive: true });
    const server = { MILLRACE_URL: 'http://127.0.0.1:9' };
    const outcome = await millrace(line.split(' '), server);
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    expect(outcome.stderr).toContain('it is a folder; name a file');
  });

  it('config: what is in effect, secrets masked; flags before variables', async () => {
    const { code, stdout } = await millrace(['config', '--port', '81', '--home', 'data'], {
      PORT: '82',
      MONGODB_URI: 'mongodb://me:s3cret@db/',
      MILLRACE_TOKEN: 'a-token-of-24-characters',
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^PORT=81$/m);
    expect(stdout).toContain(`MILLRACE_HOME=${join(folder, 'data')}\n`);
    expect(stdout).toContain('MONGODB_URI=mongodb://********@db/\n');
    expect(stdout).toContain('MILLRACE_TOKEN=********\n');
    expect(stdout).not.toMatch(/s3cret|a-token/);

    expect((await millrace(['config', '--example'])).stdout).toBe(renderEnvExample());
    const bad = await millrace(['config'], { PORT: '-1', HOST: 'a b' });
    expect(bad).toMatchObject({ code: 2, stdout: '' });
    expect(bad.stderr).toMatch(/^ {2}HOST .*\n {2}PORT .*$/m);
  });

  it.each<[string, string, Record<string, string>, RegExp]>([
    ['worker', 'worker', {}, /needs MONGODB_URI and REDIS_URL/],
    [
      'a file as home',
      'status',
      { MILLRACE_HOME: '/dev/null' },
      /^ {2}MILLRACE_HOME must lead to/m,
    ],
    ['a home below a file', 'status', { MILLRACE_HOME: '/dev/null/x' }, /^ {2}MILLRACE_HOME must/m],
    [
      'a folder of settings',
      'status',
      { XDG_CONFIG_HOME: '/dev/null' },
      /^ {2}XDG_CONFIG_HOME must/m,
    ],
    ['a home of the user', 'status', { HOME: '/dev/null' }, /^ {2}HOME must lead to/m],
    ['the start', 'start --port 0 --home /dev/null/x', {}, /^ {2}MILLRACE_HOME must lead to/m],
    ['the port', 'start --host 192.0.2.1', {}, /no address of this machine/],
    [
      'a CA that is absent',
      `run ${HELLO} --no-dir`,
      { GIT_CA_FILE: '/absent' },
      /^ {2}GIT_CA_FILE must lead to a file .*: there is no such file/m,
    ],
    [
      'a CA that is none',
      `run ${HELLO} --no-dir`,
      { GIT_CA_FILE: HELLO },
      /^ {2}GIT_CA_FILE names .* holds no certificate/m,
    ],
  ])('a wrong setting is named, and ends with 2: %s', async (_what, line, environment, told) => {
    const outcome = await millrace(line.split(' '), environment);
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    expect(outcome.stderr).toMatch(told);
    expect(outcome.stderr).not.toMatch(/E[A-Z]{4,}[:)]/);
  });

  it('a wrong setting is told as JSON where JSON is asked for', async () => {
    const wrong = await millrace(['status', '--json'], { MILLRACE_HOME: '/dev/null/x' });
    expect(wrong).toMatchObject({ code: 2, stdout: '' });
    expect(JSON.parse(wrong.stderr)).toMatchObject({
      error: 'ValidationError',
      message: expect.stringContaining('MILLRACE_HOME') as unknown,
    });
  });

  it('help is a result, a wrong command line is not', async () => {
    for (const command of ['start', 'worker', 'run', 'lint', 'config', 'openapi']) {
      const help = await millrace([command, '--help']);
      expect(help).toMatchObject({ code: 0, stderr: '' });
      expect(help.stdout).toMatch(new RegExp(`^Usage: millrace ${command} `));
    }
    const wrong = await millrace(['strat']);
    expect(wrong).toMatchObject({ code: 2, stdout: '' });
    expect(wrong.stderr).toContain('Did you mean start?');
    expect((await millrace(['start', '--prot', '1'])).stderr).toContain('Did you mean --port?');
  });
});
