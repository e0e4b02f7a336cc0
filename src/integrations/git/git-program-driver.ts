import { lstat, lutimes, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckedResolver } from '../../common/net/checked-addresses.js';
import type { CheckedOut, CloneDriver, FetchRequest, Gitlink, RemoteRefs } from './clone-driver.js';
import { isRefName } from '../../common/values/ref-name.js';
import type { CloneSession } from './clone-session.js';
import { parseCommitObject } from './commit-object.js';
import type { ClonedCommit, GitError } from './git-client.js';
import { writePatterns, writeWorkRefs } from './git-directory.js';
import { lfsEndpoint, pointersLeft } from './git-lfs.js';
import { gitProgramError, severalCommits, sha256Repository } from './git-failures.js';
import { type GitCommand, type GitOutcome, type GitSetting, runGit } from './git-program.js';
import type { GitRoute } from './git-route.js';
import { refNamed } from './ref-names.js';

/** What the whole adapter has in common. */
export interface GitProgramSettings extends Pick<
  GitCommand,
  'program' | 'environment' | 'maxMemoryBytes'
> {
  readonly resolver: CheckedResolver;
  /** Whether git-lfs is installed. */
  hasLfs(): Promise<boolean>;
}

/** What a driver needs to know of the clone that it is for. */
export type DriverSession = Pick<CloneSession, 'clone' | 'signal' | 'progress' | 'forms'>;

/** One clone by the git program. */
export class GitProgramDriver implements CloneDriver {
  readonly incremental = true;
  readonly fetchesUnlisted = true;

  constructor(
    private readonly session: DriverSession,
    private readonly route: GitRoute,
    private readonly settings: GitProgramSettings,
  ) {}

  async listRefs(): Promise<RemoteRefs> {
    const { branch, tag, commit, depth, tags, url } = this.session.clone;
    const all = commit !== undefined || depth === 0 || tags === true;
    const patterns = all ? ['HEAD', `${HEADS}*`, `${TAGS}*`] : [refNamed(branch, tag) ?? 'HEAD'];
    const { stdout } = await this.git('/', ['ls-remote', '--symref', '--', url, ...patterns]);
    const refs = new Map<string, string>();
    let target: string | undefined;
    for (const line of stdout.toString('utf8').split('\n')) {
      const [value = '', name = ''] = line.split('\t');
      if (/^[0-9a-f]{64}$/.test(value)) throw sha256Repository();
      if (/^[0-9a-f]{40}$/.test(value)) refs.set(name, value);
      else if (name === 'HEAD') target = branchOf(value.replace(/^ref: /, ''));
    }
    const sha = refs.get('HEAD');
    refs.delete('HEAD');
    return { refs, ...(sha !== undefined && { head: { sha, branch: target } }) };
  }

  async fetch(directory: string, { wants, depth, seeds, prove }: FetchRequest): Promise<boolean> {
    // Negotiation offers what refs point to.
    await writeWorkRefs(join(directory, '.git'), seeds);
    const outcome = await this.tryGit(
      directory,
      [
        ...FETCH,
        ...(depth === 0 && !prove ? [] : [`--depth=${depth === 0 ? INFINITE_DEPTH : depth}`]),
        '--stdin',
        '--',
        'origin',
      ],
      lines(wants),
    );
    if (outcome.exitCode === 0) return true;
    const error = this.failureOf(outcome);
    if (error.code === 'ref_not_found') return false;
    throw error;
  }

  /**
   * Fetches without the objects that the filter of git leaves out; a server that knows no filters
   * gives all.
   * @param depth commits of history; default all
   */
  async fetchPartially(
    directory: string,
    filter: 'blob:none' | 'tree:0',
    wants: readonly string[],
    depth?: number,
  ): Promise<void> {
    const options = [`--filter=${filter}`, ...(depth === undefined ? [] : [`--depth=${depth}`])];
    await this.git(directory, [...FETCH, ...options, '--stdin', '--', 'origin'], lines(wants));
  }

  async dropUnreachable(
    directory: string,
    tips: readonly string[],
    seeds: readonly string[],
  ): Promise<boolean> {
    const kept = new Set(tips);
    const old = seeds.filter((seed) => !kept.has(seed));
    if (!(await this.reachesMore(directory, tips, old))) return true;
    await writeWorkRefs(join(directory, '.git'), tips);
    // Deltas are taken as they are: this is copying.
    await this.git(directory, ['repack', '-a', '-d', '-q', '--window=0']);
    return true;
  }

  async readCommit(directory: string, sha: string): Promise<ClonedCommit | undefined> {
    const { stdout } = await this.git(directory, ['cat-file', '--batch'], `${sha}^{commit}\n`);
    const headerEnd = stdout.indexOf('\n');
    const [found = '', type] = stdout.subarray(0, headerEnd).toString('latin1').split(' ');
    if (type !== 'commit') return undefined;
    return { sha: found, ...parseCommitObject(stdout.subarray(headerEnd + 1, -1)) };
  }

  /** Looks only at objects: a branch or tag whose name looks like a SHA is never meant. */
  async findCommit(directory: string, digits: string): Promise<string | undefined> {
    const listed = await this.git(directory, ['rev-parse', `--disambiguate=${digits}`]);
    const checked = await this.git(
      directory,
      ['cat-file', '--batch-check=%(objecttype) %(objectname)'],
      listed.stdout.toString('latin1'),
    );
    const commits = checked.stdout
      .toString('latin1')
      .split('\n')
      .filter((line) => line.startsWith('commit '))
      .map((line) => line.slice('commit '.length));
    if (commits.length > 1) throw severalCommits(digits);
    return commits[0];
  }

  async checkout(directory: string, workTree: string): Promise<CheckedOut> {
    const places = [`--git-dir=${join(directory, '.git')}`, `--work-tree=${workTree}`];
    const checkout = [...places, 'checkout', '-q', '-f', 'HEAD', '--'];
    const { only } = this.session.clone;
    if (only) {
      await writePatterns(join(directory, '.git'), only);
      await this.git('/', checkout, undefined, SPARSE_SETTINGS);
      return { submodules: [] };
    }
    await this.git('/', checkout);
    if (!this.session.clone.submodules) {
      const declared = await lstat(join(workTree, '.gitmodules')).catch(() => undefined);
      if (!declared) return { submodules: [] };
    }
    const { stdout } = await this.git(directory, ['ls-files', '--stage', '-z']);
    return { submodules: gitlinks(stdout) };
  }

  async fillPointers(directory: string): Promise<void> {
    const { clone, progress } = this.session;
    if (clone.only) return;
    const files = await this.lfsFiles(directory);
    if (files.length === 0) return;
    const leave = (why: string): void => progress.write(pointersLeft(files.map(String), why));
    if (clone.lfs === false) return leave('as "lfs: false" says');
    if (!(await this.settings.hasLfs())) return leave('git-lfs is not installed on this worker');
    const configured = await this.lfsConfig(directory);
    if (configured === undefined && clone.url.startsWith('ssh:')) {
      return leave('which is not done by ssh');
    }
    progress.write(`Fetching files of Git LFS: ${files.length}`);
    await this.pullLfs(directory, lfsEndpoint(clone, configured));
    await this.settleLfs(directory, files);
  }

  failure(error: unknown): unknown {
    return error;
  }

  /** Whether the seeds reach an object that the tips do not. */
  private async reachesMore(
    directory: string,
    tips: readonly string[],
    seeds: readonly string[],
  ): Promise<boolean> {
    if (seeds.length === 0) return false;
    // Where history is cut, an old commit is behind the cut, or has files that the new one has not.
    if (this.session.clone.depth !== 0) return true;
    const range = lines([...seeds, ...tips.map((tip) => `^${tip}`)]);
    const { stdout } = await this.git(directory, ['rev-list', '--objects', '--stdin'], range);
    return stdout.length > 0;
  }

  /** Files of the index that are to pass the filter of Git LFS. */
  private async lfsFiles(directory: string): Promise<readonly Buffer[]> {
    if (!(await mayHaveAttributes(join(directory, '.git')))) return [];
    const places = ['--', ':(glob)**/.gitattributes'];
    const grep = ['grep', '--cached', '-q', '-e', 'filter=lfs', ...places];
    const found = await this.tryGit(directory, grep);
    if (found.exitCode === GREP_FOUND_NOTHING) return [];
    if (found.exitCode !== 0) throw this.failureOf(found);
    const listed = await this.git(directory, ['ls-files', '-z']);
    const attributes = ['check-attr', '-z', '--stdin', 'filter'];
    const { stdout } = await this.git(directory, attributes, listed.stdout);
    // Names are bytes.
    const fields = stdout.toString('latin1').split('\0');
    return fields
      .filter((_field, index) => index % 3 === 0 && fields[index + 2] === 'lfs')
      .map((name) => Buffer.from(name, 'latin1'));
  }

  /** What `.lfsconfig` says of where the server is. */
  private async lfsConfig(directory: string): Promise<string | undefined> {
    const place = ['config', '--blob', 'HEAD:.lfsconfig', '--get'];
    for (const key of ['lfs.url', `remote.origin.lfsurl`]) {
      const { exitCode, stdout } = await this.tryGit(directory, [...place, key]);
      if (exitCode === 0) return stdout.toString('utf8').trim();
    }
    return undefined;
  }

  private async pullLfs(directory: string, endpoint: string): Promise<void> {
    const { clone } = this.session;
    const bundle = this.settings.environment['GIT_SSL_CAINFO'];
    // Only here: it brings isomorphic-git with it.
    const { LfsGateway } = await import('./lfs-gateway.js');
    const remote = {
      endpoint,
      origin: new URL(clone.url).origin,
      // An address that a stranger has named gets none, nor do the files that it leads to.
      credentials:
        clone.ownCredentialsOnly && endpoint !== lfsEndpoint(clone, undefined)
          ? undefined
          : clone.credentials,
      ca: bundle === undefined ? undefined : await readFile(bundle, 'latin1'),
    };
    const gateway = await LfsGateway.start(remote, this.settings.resolver);
    try {
      const settings: GitSetting[] = [...LFS_SETTINGS, ['lfs.url', gateway.url]];
      const outcome = await this.tryGit(directory, ['lfs', 'pull'], undefined, settings);
      if (outcome.exitCode !== 0) throw gateway.failure() ?? this.failureOf(outcome);
    } finally {
      await gateway.close();
    }
  }

  /**
   * git trusts no time of a file that is as new as the index: it would compare what the file holds,
   * which without git-lfs is not what was committed.
   */
  private async settleLfs(directory: string, files: readonly Buffer[]): Promise<void> {
    const then = new Date(Date.now() - SETTLED_MS);
    const base = Buffer.from(`${directory}/`);
    for (const file of files) await lutimes(Buffer.concat([base, file]), then, then);
    const refresh = ['update-index', '-q', '--refresh'];
    await this.tryGit(directory, refresh, undefined, LFS_SETTINGS);
  }

  /** Runs git in a folder. @throws GitError */
  async git(
    directory: string,
    args: readonly string[],
    input?: string | Buffer,
    settings: readonly GitSetting[] = [],
  ): Promise<GitOutcome> {
    const outcome = await this.tryGit(directory, args, input, settings);
    if (outcome.exitCode === 0) return outcome;
    throw this.failureOf(outcome);
  }

  private failureOf(outcome: GitOutcome): GitError {
    return this.route.failure() ?? gitProgramError(outcome.stderr, this.session.forms);
  }

  private async tryGit(
    directory: string,
    args: readonly string[],
    input?: string | Buffer,
    settings: readonly GitSetting[] = [],
  ): Promise<GitOutcome> {
    const { clone, signal, progress } = this.session;
    const outcome = await runGit({
      program: this.settings.program,
      maxMemoryBytes: this.settings.maxMemoryBytes,
      settings: [...this.route.settings, ...settings],
      environment: { ...this.settings.environment, ...this.route.environment },
      args,
      directory,
      url: clone.url,
      credentials: clone.credentials,
      input,
      signal,
      onLine: (line) => progress.write(line),
      onUpdate: (line) => progress.update(line),
    });
    signal.throwIfAborted();
    return outcome;
  }
}

/** False: no name in the index ends so. Most trees have none, and need no process to say so. */
async function mayHaveAttributes(gitdir: string): Promise<boolean> {
  const index = await readFile(join(gitdir, 'index')).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (index === undefined) return false;
  // From version 4 on a name is told by what it shares with the one before (gitformat-index(5)).
  const isPlain = index.readUInt32BE(INDEX_VERSION_AT) < COMPRESSED_NAMES;
  return !isPlain || index.includes('.gitattributes');
}

const INDEX_VERSION_AT = 4;
const COMPRESSED_NAMES = 4;

const SPARSE_SETTINGS: readonly GitSetting[] = [
  ['core.sparseCheckout', 'true'],
  ['core.sparseCheckoutCone', 'false'],
];

const GREP_FOUND_NOTHING = 1;
const SETTLED_MS = 10_000;
/** What `.lfsconfig` says of the same things does not count. */
const LFS_SETTINGS: readonly GitSetting[] = [
  ['lfs.basictransfersonly', 'true'],
  ['lfs.skipdownloaderrors', 'false'],
  ['lfs.concurrenttransfers', '4'],
  ['lfs.transfer.maxretries', '3'],
  ['lfs.transfer.maxretrydelay', '2'],
  // So that the index is told that the files are what they should be.
  ['filter.lfs.clean', 'git-lfs clean -- %f'],
  ['filter.lfs.smudge', 'git-lfs smudge -- %f'],
  ['filter.lfs.process', 'git-lfs filter-process'],
  ['filter.lfs.required', 'true'],
];

const HEADS = 'refs/heads/';
const TAGS = 'refs/tags/';
/** What git takes for "all of it", but asks the remote for, also where it has everything. */
const INFINITE_DEPTH = 2 ** 31 - 1;

/** `--update-shallow`: the remote may be a shallow clone itself. */
const FETCH = [
  'fetch',
  '--progress',
  '--no-tags',
  '--no-write-fetch-head',
  '--update-shallow',
] as const;

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('');
}

/**
 * The server says what its default branch is called, so the name is checked before it becomes a
 * path.
 */
function branchOf(ref: string): string | undefined {
  const name = ref.startsWith(HEADS) ? ref.slice(HEADS.length) : undefined;
  return name !== undefined && isRefName(name) ? name : undefined;
}

/** From the index as `git ls-files --stage -z` prints it. */
function gitlinks(index: Buffer): readonly Gitlink[] {
  return index
    .toString('utf8')
    .split('\0')
    .filter((entry) => entry.startsWith('160000 '))
    .map((entry) => ({
      path: entry.slice(entry.indexOf('\t') + 1),
      sha: entry.split(' ')[1] ?? '',
    }));
}
