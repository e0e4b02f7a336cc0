import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { defaultCache, packageRoot } from '../../src/config/paths.js';
import { CommandLine } from '../support/command-line.js';
import { removeTree } from '../support/remove-tree.js';
import { eventually } from '../support/eventually.js';
import { GitHttpServer } from '../support/git-http-server.js';
import { MillraceServer } from '../support/millrace-server.js';
import { findProgram } from '../support/needed-programs.js';

const MINUTE = 60_000;
/**
 * Alone on two cores a build takes about two minutes; beside the other tests of a run it may take
 * far longer.
 */
const BUILD_LIMIT = 25 * MINUTE;

/**
 * What a machine may need to reach its npm registry; a step sees nothing of the worker's
 * environment.
 */
const REGISTRY_VARIABLES =
  /^(NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR|https?_proxy|no_proxy|npm_config_(registry|replace_registry_host|cafile|ca|strict_ssl|proxy|https_proxy|noproxy))$/i;
/** Where steps look for programs unless they are told otherwise. */
const STEP_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** A line for each file with its digest, and one for each that its owner may execute. */
const LIST_FILES = `files="find . -path ./.git -prune -o -type f"
$files -print | LC_ALL=C sort | xargs -d '\\n' sha256sum
$files -perm -u+x -print | LC_ALL=C sort | sed 's/^/x /'`;
const LISTING = `name: tree
stages:
  - name: tree
    steps:
      - name: list
        run: |
${LIST_FILES.replace(/^/gm, ' '.repeat(10))}
`;

interface Commit {
  readonly sha: string;
  readonly author: string;
  readonly message: string;
}

describe('Millrace builds itself', () => {
  let folder: string;
  let repositories: GitHttpServer;
  let server: MillraceServer;
  let head: Commit;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-self-build-'));
    head = await publishHead(folder, 'millrace');
    repositories = await GitHttpServer.start(folder);
    server = await MillraceServer.start({ workers: 0 });
  }, 2 * MINUTE);

  afterAll(async () => {
    await server?.stop();
    await repositories?.stop();
    await removeTree(folder);
  }, MINUTE);

  it(
    'from a clone by git',
    async () => {
      await onWorkerWith('git', /^git\/\d/, buildAndCheck);
    },
    BUILD_LIMIT + MINUTE,
  );

  // Every stage would take as long again: this is what installs, and what says the verdict.
  it(
    'by `run` in a checkout of it, without a server',
    async () => {
      const checkout = join(folder, 'checkout');
      const bare = join(folder, 'millrace.git');
      await promisify(execFile)('git', ['clone', '--quiet', bare, checkout]);
      const variables = Object.entries(await buildEnvironment(folder));
      const { code, stdout, stderr } = await new CommandLine(checkout, { HOME: folder }).run([
        ...['run', '--stage', 'install', '--step', 'verdict/report', '--no-needs'],
        ...variables.flatMap(([name, value]) => ['--env', `${name}=${value}`]),
      ]);
      expect({ code, told: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, told: '' });
      expect(stderr).toContain(`(branch main, ${head.sha.slice(0, 8)})`);
      expect(stdout).toMatch(/ added \d{3,} packages /);
      expect(stdout).toMatch(new RegExp(`pass at ${head.sha} on Node v(2[4-9]|[3-9]\\d)\\.`));
    },
    10 * MINUTE,
  );

  // What the build does with a tree is seen above: here it is enough that the tree is the same.
  it(
    'from a clone by isomorphic-git, which is the same tree',
    async () => {
      await onWorkerWith('isomorphic-git', /^git\/isomorphic-git/, async () => {
        const id = await server.trigger(await server.createPipeline(LISTING), {
          repository: repositories.url('millrace'),
        });
        expect(await server.finished(id, 2 * MINUTE)).toMatchObject({
          status: 'success',
          commit: head,
        });
        const expected = await filesOfHead(folder, 'millrace');
        expect(expected.length).toBeGreaterThan(1000);
        expect(listed(await server.logText(id))).toEqual(expected);
      });
    },
    4 * MINUTE,
  );

  async function onWorkerWith(
    client: string,
    userAgent: RegExp,
    work: () => Promise<void>,
  ): Promise<void> {
    const before = repositories.seen.length;
    const worker = await server.startWorker({ GIT_CLIENT: client });
    try {
      await work();
    } finally {
      await worker.end();
    }
    const agents = repositories.seen.slice(before).map((request) => request.userAgent);
    expect(agents).not.toHaveLength(0);
    for (const agent of agents) expect(agent).toMatch(userAgent);
  }

  async function buildAndCheck(): Promise<void> {
    const yaml = await readFile(join(packageRoot(), '.millrace.yml'), 'utf8');
    const id = await server.trigger(await server.createPipeline(yaml), {
      repository: repositories.url('millrace'),
      environment: await buildEnvironment(folder),
    });
    const execution = await server.finished(id, BUILD_LIMIT);
    const log = await server.logText(id);
    if (execution.status !== 'success') {
      const { reason, failure } = execution;
      throw new Error(`${JSON.stringify({ reason, failure }, null, 2)}\n${log.slice(-8_000)}`);
    }
    expect(execution).toMatchObject({ attempt: 1, commit: head });
    const steps = execution.stages.flatMap((stage) => stage.steps);
    expect(steps.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'packages success',
      'toolchain success',
      'code success',
      'format success',
      'imports success',
      'unit success',
      'report success',
    ]);
    expect(log).toMatch(/^Test Suites: .*\d+ passed/m);
    expect(log).toMatch(/no dependency violations found/);
    expect(log).toMatch(
      new RegExp(`lint and unit tests pass at ${head.sha} on Node v(2[4-9]|[3-9]\\d)\\.`),
    );
    const workspaces = join(server.home, 'w');
    await eventually(async () => (await readdir(workspaces)).length === 0 || undefined);
  }
});

/**
 * Makes the bare repository `<folder>/<name>.git` whose branch `main` is HEAD of this checkout,
 * which may be shallow, detached, or another user's.
 */
async function publishHead(folder: string, name: string): Promise<Commit> {
  const configuration = join(folder, 'gitconfig');
  await writeFile(configuration, '[safe]\n\tdirectory = *\n');
  const git = async (...args: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)('git', args, {
      cwd: folder,
      env: {
        PATH: process.env['PATH'],
        GIT_CONFIG_GLOBAL: configuration,
        GIT_CONFIG_NOSYSTEM: '1',
      },
    });
    return stdout.trimEnd();
  };
  const bare = join(folder, `${name}.git`);
  await git('init', '--quiet', '--bare', '--initial-branch=main', bare);
  const source = `file://${packageRoot()}`;
  await git('--git-dir', bare, 'fetch', '--quiet', '--depth=1', source, 'HEAD:refs/heads/main');
  const show = (format: string): Promise<string> =>
    git('--git-dir', bare, 'log', '-1', `--format=${format}`, 'main');
  return {
    sha: await show('%H'),
    author: await show('%an <%ae>'),
    message: await show('%B'),
  };
}

/** What {@link LIST_FILES} prints in the tree of branch `main`, as `git archive` writes it. */
async function filesOfHead(folder: string, name: string): Promise<string[]> {
  const tree = await mkdtemp(join(folder, 'tree-'));
  const script = `git --git-dir="$1" archive main | tar -x -C "$2" && cd "$2" && ${LIST_FILES}`;
  const args = ['-euc', script, 'sh', join(folder, `${name}.git`), tree];
  const { stdout } = await promisify(execFile)('sh', args, { maxBuffer: 2 ** 24 });
  return listed(stdout);
}

function listed(text: string): string[] {
  return text.split('\n').filter((line) => /^([0-9a-f]{64} |x) \.\//.test(line));
}

/** Variables for the steps: the way to the registry, a cache, and node where it is elsewhere. */
async function buildEnvironment(folder: string): Promise<Record<string, string>> {
  const registry = Object.entries(process.env).filter(
    ([name, value]) => REGISTRY_VARIABLES.test(name) && value !== undefined && value !== '',
  ) as [string, string][];
  const programs = dirname(findProgram('npm') ?? process.execPath);
  const onStepPath = STEP_PATH.some((place) => existsSync(join(place, 'npm')));
  return {
    ...Object.fromEntries(registry),
    npm_config_cache: await sharedCache(folder),
    // Where a Node may have been brought to; as root a folder of the system, which needs no name.
    ...(process.getuid?.() === 0 ? {} : { XDG_CACHE_HOME: dirname(defaultCache()) }),
    ...(onStepPath ? {} : { PATH: [programs, ...STEP_PATH].join(':') }),
  };
}

/** Steps may be another user, who must come through the folder above and write into this one. */
async function sharedCache(folder: string): Promise<string> {
  const cache = join(folder, 'npm-cache');
  await mkdir(cache, { recursive: true });
  await chmod(folder, 0o711);
  await chmod(cache, 0o777);
  return cache;
}
