import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { defaultCache, packageRoot } from '../../src/config/paths.js';
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
const BUILD_LIMIT = 15 * MINUTE;

/**
 * What a machine may need to reach its npm registry; a step sees nothing of the worker's
 * environment.
 */
const REGISTRY_VARIABLES =
  /^(NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR|https?_proxy|no_proxy|npm_config_(registry|replace_registry_host|cafile|ca|strict_ssl|proxy|https_proxy|noproxy))$/i;
/** Where steps look for programs unless they are told otherwise. */
const STEP_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

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

  it.each([
    ['isomorphic-git', /^git\/isomorphic-git/],
    ['git', /^git\/\d/],
  ])(
    'from a clone by %s',
    async (client, userAgent) => {
      const before = repositories.seen.length;
      const worker = await server.startWorker({ GIT_CLIENT: client });
      try {
        await buildAndCheck();
      } finally {
        await worker.end();
      }
      const agents = repositories.seen.slice(before).map((request) => request.userAgent);
      expect(agents).not.toHaveLength(0);
      for (const agent of agents) expect(agent).toMatch(userAgent);
    },
    BUILD_LIMIT + MINUTE,
  );

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

/**
 * Variables for the steps: the way to the registry, a cache that both builds share, and node where
 * it is elsewhere.
 */
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
