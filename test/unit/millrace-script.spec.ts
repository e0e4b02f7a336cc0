import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { NODE_FLAGS } from '../../src/config/node-flags.js';
import { eventually } from '../support/eventually.js';

const SCRIPT = resolve(__dirname, '../../millrace');

/** An npm that writes down its calls and does what the script counts on. */
const NPM = `#!/bin/sh
[ "$1" = --prefix ] && shift 2
echo "$*" >>"$CALLS"
[ -z "$NPM_WAIT" ] || sleep 0.5
[ "$NPM_FAILS" != "$1" ] || { echo "npm broke here"; exit 1; }
case "$1 $2" in
  --version*) echo "\${NPM_VERSION:-11.0.0}" ;;
  ci*) rm -rf node_modules; mkdir node_modules; : >node_modules/.package-lock.json ;;
  'run build') mkdir -p dist; cp program.js dist/cli.js ;;
  'test --silent')
    case "$*" in *--testPathPatterns*) REPORT=$REPORT_AGAIN TEST_EXIT=$TEST_EXIT_AGAIN ;; esac
    for a; do case $a in --outputFile=*) [ -z "$REPORT" ] || echo "$REPORT" >"\${a#*=}" ;; esac; done
    exit "\${TEST_EXIT:-0}" ;;
esac
`;
/** Says which flags it has. */
const SERVER = 'console.log(JSON.stringify(process.execArgv));';
const PROGRAM = `
const fs = require('node:fs');
const handed = fs.readFileSync(Number(process.env.MILLRACE_ENV_FD), 'utf8').split('\\0');
const own = fs.readFileSync('/proc/self/environ', 'utf8');
console.log(JSON.stringify({ args: process.argv.slice(2), handed, own }));
`;

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe('the millrace script', () => {
  let folder: string;
  let root: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'script spec-'));
    root = join(folder, 'check out');
    await mkdir(join(root, 'src'), { recursive: true });
    await mkdir(join(folder, 'bin'));
    const script = await readFile(SCRIPT, 'utf8');
    // What this machine's root has brought is not seen.
    await writeFile(
      join(root, 'millrace'),
      script.replace('SYSTEM_CACHE=/var/cache/millrace', `SYSTEM_CACHE='${folder}/system'`),
    );
    await chmod(join(root, 'millrace'), 0o755);
    for (const name of ['package.json', 'package-lock.json', 'src/a.ts']) {
      await writeFile(join(root, name), '{}');
    }
    await writeFile(join(root, 'program.js'), PROGRAM);
    await writeFile(
      join(folder, 'bin/npm'),
      NPM.replaceAll('node_modules', `"${root}/node_modules"`),
    );
    await chmod(join(folder, 'bin/npm'), 0o755);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  function launch(
    args: readonly string[],
    env: Record<string, string | undefined> = {},
    input?: string,
  ): ChildProcess {
    const path = `${join(folder, 'bin')}:${dirname(process.execPath)}:/usr/bin:/bin`;
    const child = spawn('/bin/sh', [join(root, 'millrace'), ...args], {
      cwd: root,
      env: { PATH: path, CALLS: join(folder, 'calls'), TMPDIR: folder, ...env },
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    child.stdin?.end(input);
    return child;
  }

  async function run(
    args: readonly string[],
    env: Record<string, string | undefined> = {},
    input?: string,
  ): Promise<Outcome> {
    const child = launch(args, env, input);
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, stdout, stderr };
  }

  async function calls(): Promise<readonly string[]> {
    const text = await readFile(join(folder, 'calls'), 'utf8');
    await rm(join(folder, 'calls'));
    return text.trim().split('\n');
  }

  const install = 'ci --no-progress';

  it('installs and builds once, then only what changed', async () => {
    await run(['x']);
    expect(await calls()).toEqual([install, 'run build']);
    await run(['x']);
    await expect(calls()).rejects.toMatchObject({ code: 'ENOENT' });

    const later = new Date(Date.now() + 60_000);
    await utimes(join(root, 'src/a.ts'), later, later);
    await run(['x']);
    expect(await calls()).toEqual(['run build']);

    await writeFile(join(root, 'package-lock.json'), '{"changed":1}');
    await run(['x']);
    expect((await calls())[0]).toBe(install);
  });

  it.each(['bundle.mjs', 'docs-pages.mjs', 'README.md'])(
    'builds when %s has changed',
    async (name) => {
      await run(['x']);
      const later = new Date(Date.now() + 60_000);
      await writeFile(join(root, name), '');
      await utimes(join(root, name), later, later);
      await calls();
      await run(['x']);
      expect(await calls()).toEqual(['run build']);
    },
  );

  it('leaves options of Node to the program', async () => {
    const args = ['run', '--env-file', '/nope', '--require=/nope'];
    const { code, stdout } = await run(args);
    expect([code, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ args })]);
  });

  it('takes packages that were installed by hand', async () => {
    await mkdir(join(root, 'node_modules'));
    await writeFile(join(root, 'node_modules/.package-lock.json'), '');
    await run(['x']);
    expect(await calls()).toEqual(['run build']);
  });

  it('skips both where only the built program is', async () => {
    await rm(join(root, 'src'), { recursive: true });
    await rm(join(root, 'package-lock.json'));
    await mkdir(join(root, 'dist'));
    await writeFile(join(root, 'dist/cli.js'), PROGRAM);
    expect((await run(['x'])).code).toBe(0);
    await expect(calls()).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('two at once install once', async () => {
    const both = await Promise.all([run(['x'], { NPM_WAIT: '1' }), run(['x'], { NPM_WAIT: '1' })]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(await calls()).toEqual([install, 'run build']);
    expect(both.map(({ stderr }) => stderr).join('')).toContain('Waiting');
  });

  it('shows the log of a failed build and tries again', async () => {
    const failed = await run(['x'], { NPM_FAILS: 'run' });
    expect(failed.code).toBe(1);
    expect(failed.stdout).toBe('');
    expect(failed.stderr).toContain('npm broke here');
    await calls();
    expect((await run(['x'])).code).toBe(0);
    expect(await calls()).toEqual(['run build']);
  });

  it('names Node when it is missing', async () => {
    const bare = join(folder, 'bare');
    await mkdir(bare);
    await symlink('/usr/bin/dirname', join(bare, 'dirname'));
    const none = await run(['x'], { PATH: bare });
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('not installed') });
  });

  describe('with a Node that is too old', () => {
    /** The older npm, which also brings a package with a Node; `BROUGHT` is what that does. */
    const BRINGING = `#!/bin/sh
prefix=$2
case "$3" in
  install)
    echo "$*" >>"$CALLS"
    [ -z "$NPM_WAIT" ] || sleep 0.5
    [ -z "$NO_NETWORK" ] || { echo "no network here"; exit 1; }
    for package; do :; done
    made=$prefix/node_modules/\${package%@*}/bin
    mkdir -p "$made"
    printf '#!/bin/sh\n%s\n' "$BROUGHT" >"$made/node"
    chmod 755 "$made/node" ;;
  *) exec "$(dirname "$0")/npm.plain" "$@" ;;
esac
`;
    let env: Record<string, string>;
    const brought = `export BROUGHT_NODE_RAN=1; exec "${process.execPath}" "$@"`;

    beforeEach(async () => {
      const bin = join(folder, 'bin');
      const write = async (name: string, text: string): Promise<void> => {
        await writeFile(join(bin, name), text);
        await chmod(join(bin, name), 0o755);
      };
      await rename(join(bin, 'npm'), join(bin, 'npm.plain'));
      await write('npm', BRINGING);
      const answers = `os.homedir*) echo "${folder}/home" ;; *) echo "\${OLD:-20.20.2}"`;
      await write('node', `#!/bin/sh\n[ "$1" = -p ] && case $2 in ${answers} ;; esac\n`);
      // Root has its cache in a place of the system.
      await write('id', '#!/bin/sh\necho "${USER_ID:-1000}"\n');
      env = {
        PATH: `${bin}:/usr/bin:/bin`,
        XDG_CACHE_HOME: join(folder, 'cache'),
        BROUGHT: brought,
      };
    });

    it('brings another one with npm, once, and runs everything on it', async () => {
      const first = await run(['x'], env);
      expect(first.code).toBe(0);
      expect(first.stderr).toContain('20.20.2 is too old');
      const [bring, ...rest] = await calls();
      expect(bring).toMatch(/ install .* node-linux-(x64|arm64)@24\.\d+\.\d+$/);
      expect(rest).toEqual([install, 'run build']);
      expect(first.stdout).toContain('BROUGHT_NODE_RAN=1');
      const folders = await readdir(join(folder, 'cache/millrace'));
      expect(folders.filter((name) => name.endsWith('.new'))).toEqual([]);

      const second = await run(['x'], env);
      expect(second).toMatchObject({ code: 0, stderr: '' });
      expect(second.stdout).toContain('BROUGHT_NODE_RAN=1');
      await expect(calls()).rejects.toMatchObject({ code: 'ENOENT' });
    });

    it('knows the home of who has no HOME', async () => {
      const { XDG_CACHE_HOME, ...rest } = env;
      expect(XDG_CACHE_HOME).toBeDefined();
      expect((await run(['x'], rest)).code).toBe(0);
      expect(await readdir(join(folder, 'home/.cache/millrace'))).toContain('node.lock');
    });

    it('what root has brought is for every user, whatever the umask of root is', async () => {
      const former = process.umask(0o077);
      try {
        expect((await run(['x'], { ...env, USER_ID: '0' })).code).toBe(0);
      } finally {
        process.umask(former);
      }
      const [name = ''] = (await readdir(join(folder, 'system'))).filter((each) =>
        each.startsWith('node-'),
      );
      for (const path of ['system', `system/${name}`, `system/${name}/bin/node`]) {
        expect((await stat(join(folder, path))).mode & 0o777).toBe(0o755);
      }
      expect((await stat(join(root, 'dist'))).mode & 0o777).toBe(0o700);
      await calls();

      const other = await run(['x'], env);
      expect(other).toMatchObject({ code: 0, stderr: '' });
      expect(other.stdout).toContain('BROUGHT_NODE_RAN=1');
      await expect(readdir(join(folder, 'cache'))).rejects.toMatchObject({ code: 'ENOENT' });
    });

    it.each([
      ['10.24.1', '6.14.18', 'npm 6.14.18 (of Node.js 10.24.1) is too old'],
      ['12.22.9', '8.5.1', undefined],
    ])('of Node %s with npm %s: %s', async (old, npm, told) => {
      const outcome = await run(['x'], { ...env, OLD: old, NPM_VERSION: npm });
      expect(outcome.code).toBe(told === undefined ? 0 : 1);
      if (told !== undefined) expect(outcome.stderr).toContain(told);
    });

    it('npm by hand runs on it too, and installs nothing first', async () => {
      const node = 'node -p process.env.BROUGHT_NODE_RAN';
      await writeFile(
        join(folder, 'bin/npm.plain'),
        `#!/bin/sh\necho "$*"; ${node}; cat; exit 3\n`,
      );
      await run(['npm', 'x'], env);
      await calls();
      const outcome = await run(['npm', 'run', 'a b'], env, 'typed\n');
      expect(outcome).toEqual({ code: 3, stdout: 'run a b\n1\ntyped\n', stderr: '' });
      await expect(calls()).rejects.toMatchObject({ code: 'ENOENT' });
    });

    it('two at once bring one', async () => {
      const both = await Promise.all([
        run(['x'], { ...env, NPM_WAIT: '1' }),
        run(['x'], { ...env, NPM_WAIT: '1' }),
      ]);
      expect(both.map(({ code }) => code)).toEqual([0, 0]);
      expect((await calls()).filter((call) => call.includes(' install '))).toHaveLength(1);
    });

    it('says what to do where none can be fetched, and fetches it the next time', async () => {
      const failed = await run(['x'], { ...env, NO_NETWORK: '1' });
      expect(failed.code).toBe(1);
      expect(failed.stderr).toContain('no network here');
      expect(failed.stderr).toContain('Install Node.js 24 or newer');
      await calls();
      expect((await run(['x'], env)).code).toBe(0);
    });

    it('says so when what was fetched does not run here, and does not keep it', async () => {
      const failed = await run(['x'], { ...env, BROUGHT: 'exit 127' });
      expect(failed.code).toBe(1);
      expect(failed.stderr).toContain('does not run on this machine');
      await calls();
      expect((await run(['x'], env)).code).toBe(0);
    });
  });

  it('hands the environment over a descriptor and starts the program with a bare one', async () => {
    const outcome = await run(['a b', '--flag'], { SECRET: 's3cret\nline', LANG: 'C.UTF-8' });
    const told = JSON.parse(outcome.stdout) as { args: string[]; handed: string[]; own: string };
    expect(told.args).toEqual(['a b', '--flag']);
    expect(told.handed).toContain('SECRET=s3cret\nline');
    expect(told.own).not.toContain('s3cret');
    expect(told.own).toContain('LANG=C.UTF-8');
  });

  it.each([
    ['api', 'main'],
    ['worker', 'worker'],
  ] as const)('serve %s has the flags that start gives it', async (role, program) => {
    await rm(join(root, 'src'), { recursive: true });
    await mkdir(join(root, 'dist'));
    await writeFile(join(root, `dist/${program}.js`), SERVER);
    const { stdout } = await run(['serve', role]);
    expect(JSON.parse(stdout)).toEqual(NODE_FLAGS[program]);
  });

  it.each([
    [
      'all well',
      { numPassedTests: 5, numPendingTests: 1, numTodoTests: 1 },
      {},
      '5 passed, 0 failed, 2 skipped',
      0,
    ],
    [
      'a failed test',
      { numPassedTests: 4, numFailedTests: 1 },
      { TEST_EXIT: '1' },
      '4 passed, 1 failed, 0 skipped',
      1,
    ],
    [
      'a file that does not load',
      { numRuntimeErrorTestSuites: 2 },
      { TEST_EXIT: '1' },
      '0 passed, 2 failed, 0 skipped',
      1,
    ],
    ['a run that died', undefined, { TEST_EXIT: '7' }, '0 passed, 1 failed, 0 skipped', 1],
    [
      'a failed lint',
      { numPassedTests: 5 },
      { NPM_FAILS: 'run' },
      '5 passed, 1 failed, 0 skipped',
      1,
    ],
  ])('test closes with the counts: %s', async (_name, report, env, line, code) => {
    await run(['x']);
    await calls();
    const given = report === undefined ? {} : { REPORT: JSON.stringify(report) };
    const outcome = await run(['test', '-t', 'some name'], { ...given, ...env });
    expect(outcome.stdout.trimEnd().split('\n').at(-1)).toBe(line);
    expect(outcome.code).toBe(code);
    const called = await calls();
    expect(called[0]).toBe('run --silent lint');
    expect(called[1]).toMatch(/^test --silent -- --json --outputFile=.* -t some name$/);
  });

  describe('in CI', () => {
    const file = (name: string, ...statuses: string[]): object => ({
      name: `/x y/${name}.spec.ts`,
      status: statuses.includes('failed') ? 'failed' : 'passed',
      assertionResults: statuses.map((status) => ({ status })),
    });
    const report = (...testResults: object[]): string =>
      JSON.stringify({ numPassedTests: 3, numFailedTests: 1, testResults });
    const first = report(file('steady', 'passed', 'pending'), file('odd', 'passed', 'failed'));

    it.each([
      ['passes', { numPassedTests: 2 }, '', '3 passed, 0 failed, 1 skipped', 0],
      [
        'fails again',
        { numPassedTests: 1, numFailedTests: 1 },
        '1',
        '2 passed, 1 failed, 1 skipped',
        1,
      ],
    ])(
      'a spec that failed runs once more, alone: it %s',
      async (_name, again, exit, line, code) => {
        await run(['x']);
        await calls();
        const passed = file('odd', 'passed', 'passed');
        const second = { ...again, testResults: code === 0 ? [passed] : [file('odd', 'failed')] };
        const outcome = await run(['test'], {
          CI: 'true',
          REPORT: first,
          TEST_EXIT: '1',
          REPORT_AGAIN: JSON.stringify(second),
          TEST_EXIT_AGAIN: exit,
        });
        const lines = outcome.stdout.trimEnd().split('\n');
        expect(lines.at(-1)).toBe(line);
        expect(lines.at(-2)).toContain(code === 0 ? '/x y/odd.spec.ts' : 'none');
        expect(outcome.code).toBe(code);
        const called = await calls();
        expect(called[2]).toMatch(/--maxWorkers=1 --testPathPatterns \/x.y\/odd\.spec\.ts$/);
      },
    );

    it('many that failed are no accident: they do not run again', async () => {
      await run(['x']);
      await calls();
      const many = Array.from({ length: 7 }, (_one, index) => file(`f${index}`, 'failed'));
      const given = { CI: 'true', REPORT: report(...many), TEST_EXIT: '1' };
      expect((await run(['test'], given)).code).toBe(1);
      expect(await calls()).toHaveLength(2);
    });
  });

  it.each([
    ['', 'ends what it started when it is told to end'],
    ["trap '' TERM", 'also when that does not want to end'],
  ])('%s %s', async (trap) => {
    await writeFile(
      join(folder, 'bin/npm'),
      `#!/bin/sh\n${trap}\nsleep 600 &\necho $$ $! >"$CALLS"\nwait\n`,
    );
    const child = launch(['x']);
    const exit = once(child, 'exit');
    let pids: string[] = [];
    while (pids.length < 2) {
      const text = await readFile(join(folder, 'calls'), 'utf8').catch(() => '');
      pids = text.trim().split(' ');
      await new Promise((wait) => setTimeout(wait, 10));
    }
    child.kill('SIGTERM');
    expect(await exit).toEqual([143, null]);
    for (const pid of pids) {
      // What was killed is gone as soon as the machine gets to it.
      await eventually(async () => {
        const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z');
        return stat.includes(') Z') || undefined;
      });
    }
  });
});
