import { chmod, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { GitClient } from '../../src/integrations/git/git-client.js';
import type { GitMirrorSettings } from '../../src/integrations/git/git-mirror-store.js';
import { GitProgramClient } from '../../src/integrations/git/git-program-client.js';
import { IsomorphicGitClient } from '../../src/integrations/git/isomorphic-git-client.js';
import { GitHttpServer } from '../support/git-http-server.js';
import { git, makeLargeRepository, REALISTIC } from './large-repository.js';
import { median } from './rounds.js';
import { SlowLink } from './slow-link.js';

/** The second clone of a repository is at least so many times faster than the first one. */
const GOAL = 5;
const ALLOW_PRIVATE_URLS = ['127.0.0.0/8'];

const clients: readonly [string, (mirrors: GitMirrorSettings) => GitClient][] = [
  [
    'isomorphic-git',
    (mirrors) => new IsomorphicGitClient({ mirrors, allowPrivateUrls: ALLOW_PRIVATE_URLS }),
  ],
  ['git', (mirrors) => new GitProgramClient({ mirrors, allowPrivateUrls: ALLOW_PRIVATE_URLS })],
];

/**
 * Measures clones through a mirror: the first one, the second one of the same commit, and the one
 * after a push. Over loopback itself, where the remote is as fast as the disk, and over a link like
 * that to a forge on the internet.
 */
async function measure(rounds: number, base: string): Promise<boolean> {
  const folder = await mkdtemp(join(base, 'millrace-bench-clone-'));
  await chmod(folder, 0o755);
  const bare = join(folder, 'served', 'repo.git');
  await mkdir(join(folder, 'served'));
  say('making a repository of 2,000 commits and 3,000 files');
  await makeLargeRepository(bare, REALISTIC);
  await git(['--git-dir', bare, 'config', 'uploadpack.allowAnySHA1InWant', 'true']);
  const packed = await git(['--git-dir', bare, 'count-objects', '-vH']);
  say(packed.split('\n').find((line) => line.startsWith('size-pack')) ?? '');
  const server = await GitHttpServer.start(join(folder, 'served'));
  const link = await SlowLink.start(server.port, { mbit: 100, delayMs: 10 });
  let allMet = true;
  try {
    for (const [where, port] of [
      ['loopback', server.port],
      ['100 Mbit/s', link.port],
    ] as const) {
      for (const depth of [1, 0]) {
        for (const [name, make] of clients) {
          const url = `http://127.0.0.1:${port}/repo.git`;
          const times = await measureOne(folder, bare, url, depth, make, rounds);
          const ratio = times.first / times.second;
          allMet &&= ratio >= GOAL;
          process.stdout.write(
            [
              where.padEnd(12),
              name.padEnd(15),
              (depth === 0 ? 'all' : `depth ${depth}`).padEnd(8),
              ...[times.first, times.second, times.pushed].map((ms) =>
                `${ms.toFixed(0)} ms`.padStart(9),
              ),
              `${ratio.toFixed(1)}x`.padStart(7),
              ratio >= GOAL ? '' : ` (wanted: ${GOAL}x)`,
            ].join(' ') + '\n',
          );
        }
      }
    }
  } finally {
    await link.stop();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
  return allMet;
}

async function measureOne(
  folder: string,
  bare: string,
  url: string,
  depth: number,
  make: (mirrors: GitMirrorSettings) => GitClient,
  rounds: number,
): Promise<{ first: number; second: number; pushed: number }> {
  const times = { first: [] as number[], second: [] as number[], pushed: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    const mirrors = join(folder, 'mirrors');
    const client = make({
      folder: mirrors,
      maxBytes: 2 ** 40,
      maxAgeMs: 86_400_000,
      share: 'hard-link',
    });
    const clone = async (): Promise<number> => {
      const directory = join(folder, 'clone');
      const start = performance.now();
      await client.clone(
        { url, directory, depth },
        { signal: new AbortController().signal, progress: () => undefined },
      );
      const took = performance.now() - start;
      await stat(join(directory, 'src', 'part-0'));
      await rm(directory, { recursive: true });
      return took;
    };
    times.first.push(await clone());
    times.second.push(await clone());
    await commitOnTop(bare);
    times.pushed.push(await clone());
    await client.close();
    await rm(mirrors, { recursive: true });
  }
  return {
    first: median(times.first),
    second: median(times.second),
    pushed: median(times.pushed),
  };
}

/** A commit that changes nothing but itself, as a push of little would. */
async function commitOnTop(bare: string): Promise<void> {
  const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com'];
  const commit = await git([
    ...identity,
    '--git-dir',
    bare,
    'commit-tree',
    '-p',
    'main',
    '-m',
    `on top ${Date.now()}`,
    'main^{tree}',
  ]);
  await git(['--git-dir', bare, 'update-ref', 'refs/heads/main', commit]);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    // A folder in memory takes the disk out of the figures, which is the same for all of them.
    folder: { type: 'string', default: tmpdir() },
  },
});
measure(Number(values.runs), values.folder).then(
  (allMet) => {
    const loads = loadavg().map((value) => value.toFixed(1));
    say(
      `Node ${process.version}, ${cpus().length} cores, load average at the end ${loads.join(' ')}`,
    );
    process.exitCode = allMet ? 0 : 1;
  },
  (error: unknown) => {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exitCode = 2;
  },
);
