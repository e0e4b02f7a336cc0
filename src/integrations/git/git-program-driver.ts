import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { CloneDriver, Fetched, RemoteAnswer, Seeds } from './clone-driver.js';
import { isRefName } from './clone-request.js';
import type { CloneSession } from './clone-session.js';
import { parseCommitObject } from './commit-object.js';
import { type ClonedCommit, GitError } from './git-client.js';
import { addPackedRefs, type Head, writeRef } from './git-directory.js';
import { emptyRepository, gitProgramError, refNotFound, tagsChanged } from './git-failures.js';
import { type GitCommand, type GitOutcome, runGit } from './git-program.js';
import type { GitRoute } from './git-route.js';
import { described, refNamed } from './ref-names.js';
import { submoduleNotice } from './submodule-notice.js';

/** What the whole adapter has in common. */
export type GitProgramSettings = Pick<GitCommand, 'program' | 'environment' | 'maxMemoryBytes'>;

/** One clone by the git program. */
export class GitProgramDriver implements CloneDriver {
  /** By their names; an annotated tag has a second one, `<name>^{}`, with what it leads to. */
  private listed: ReadonlyMap<string, string> = new Map();

  constructor(
    private readonly session: CloneSession,
    private readonly route: GitRoute,
    private readonly settings: GitProgramSettings,
  ) {}

  async ask(): Promise<RemoteAnswer> {
    const { branch, tag, commit, depth } = this.session.clone;
    if (commit !== undefined) return this.askForCommit(commit);
    const ref = refNamed(branch, tag);
    const { refs, target } = await this.listRemote(ref === undefined ? ['--symref'] : [], [
      ref ?? 'HEAD',
      ...(depth === 0 ? [`${TAGS}*`] : []),
    ]);
    this.listed = refs;
    const sha = refs.get(ref ?? 'HEAD');
    if (sha === undefined) {
      throw ref === undefined ? emptyRepository() : refNotFound(described(branch, tag));
    }
    return { sha, branch: branch ?? target, advertised: new Set([sha]) };
  }

  async fetch(directory: string, answer: RemoteAnswer, seeds?: Seeds): Promise<Fetched> {
    const { branch, tag, commit, depth } = this.session.clone;
    const ref = commit === undefined ? refNamed(answer.branch, tag) : undefined;
    const asked = commit === undefined ? 'HEAD' : (answer.sha ?? commit);
    const local = ref === undefined ? WANTED : localName(ref);
    const proven = seeds?.prove ? seeds.tips.filter((tip) => !answer.advertised.has(tip)) : [];
    await this.offerSeeds(directory, seeds);
    const outcome = await this.tryGit(directory, [
      ...FETCH_ARGS,
      ...depthArgs(seeds?.prove && depth === 0 ? INFINITE_DEPTH : depth),
      '--',
      'origin',
      `+${ref ?? asked}:${local}`,
      ...proven.filter((tip) => tip !== asked),
    ]);
    if (outcome.exitCode !== 0) {
      const error = this.failureOf(outcome);
      if (error.code !== 'ref_not_found') throw error;
      if (commit !== undefined || proven.length > 0) return { kind: 'refused' };
      throw refNotFound(described(branch, tag));
    }
    const head = await this.resolveHead(directory, local, answer);
    if (!head) throw new GitError('failed', 'What was fetched is not a commit.', false);
    return { kind: 'fetched', ...head, all: false };
  }

  async fetchAll(directory: string): Promise<Fetched> {
    const { session } = this;
    const commit = session.clone.commit ?? '';
    session.progress.write(
      'The remote does not give this commit alone: fetching all of the history',
    );
    const refspecs = ['+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*'];
    await this.git(directory, [...FETCH_ARGS, '--', 'origin', ...refspecs]);
    const found = await this.findCommit(directory, commit);
    if (found === undefined) throw refNotFound(`commit ${commit}`);
    return { kind: 'fetched', head: { commit: found }, sha: found, all: true };
  }

  async adopt(directory: string, answer: RemoteAnswer, all: boolean): Promise<Head | undefined> {
    const { tag, commit } = this.session.clone;
    if (all) {
      const found = await this.findCommit(directory, commit ?? '');
      return found === undefined ? undefined : { commit: found };
    }
    if (answer.sha === undefined) return undefined;
    const ref = commit === undefined ? refNamed(answer.branch, tag) : undefined;
    const local = ref === undefined ? WANTED : localName(ref);
    await writeRef(join(directory, '.git'), local, answer.sha);
    return (await this.resolveHead(directory, local, answer))?.head;
  }

  async fetchTags(directory: string): Promise<void> {
    const names = [...this.listed.keys()].filter((name) => isTagName(name));
    const leadsTo = (name: string): string => this.listed.get(`${name}^{}`) ?? this.sha(name);
    const there = await this.present(directory, [
      ...names.map(leadsTo),
      ...names.map((name) => this.sha(name)),
    ]);
    // What they lead to is there; of an annotated one, the tag itself may not be.
    const tags = names.filter((name) => there.has(leadsTo(name)));
    const [packed, missing] = [true, false].map((isThere) =>
      tags.filter((name) => there.has(this.sha(name)) === isThere),
    );
    if (missing && missing.length > 0) {
      const refspecs = missing.map((name) => `+${name}:${name}\n`).join('');
      const args = [...FETCH_ARGS, '--stdin', '--', 'origin'];
      const outcome = await this.tryGit(directory, args, refspecs);
      if (outcome.exitCode !== 0) {
        const error = this.failureOf(outcome);
        throw error.code === 'ref_not_found' ? tagsChanged() : error;
      }
    }
    await addPackedRefs(
      join(directory, '.git'),
      (packed ?? []).map((name) => [name, this.sha(name)]),
    );
  }

  async isAncestor(directory: string, commit: string, tips: readonly string[]): Promise<boolean> {
    for (const tip of tips) {
      const outcome = await this.tryGit(directory, ['merge-base', '--is-ancestor', tip, commit]);
      if (outcome.exitCode === 1) return false;
      if (outcome.exitCode !== 0) throw this.failureOf(outcome);
    }
    return true;
  }

  async checkout(directory: string, workTree: string): Promise<ClonedCommit> {
    const places = [`--git-dir=${join(directory, '.git')}`, `--work-tree=${workTree}`];
    await this.git('/', [...places, 'checkout', '-q', '-f', 'HEAD', '--']);
    const notice = await submoduleNotice(workTree, () =>
      this.git(directory, ['ls-files', '--stage', '-z']).then(({ stdout }) => stdout),
    );
    if (notice !== undefined) this.session.progress.write(notice);
    const { stdout } = await this.git(directory, ['cat-file', '--batch'], 'HEAD\n');
    const headerEnd = stdout.indexOf('\n');
    const [sha = '', type] = stdout.subarray(0, headerEnd).toString('latin1').split(' ');
    if (type !== 'commit') throw emptyRepository();
    return { sha, ...parseCommitObject(stdout.subarray(headerEnd + 1, -1)) };
  }

  /** The one advertised branch or tag whose commit begins with these digits. */
  private async askForCommit(commit: string): Promise<RemoteAnswer> {
    const { branch } = this.session.clone;
    const { refs } = await this.listRemote(['--heads', '--tags'], []);
    this.listed = refs;
    const shas = [...refs.values()].filter((sha) => sha.startsWith(commit));
    const unique = new Set(shas);
    const listed = [...refs].map((pair) => pair.join(' ')).sort();
    return {
      sha: unique.size === 1 ? shas[0] : undefined,
      branch,
      advertised: new Set(refs.values()),
      refsDigest: createHash('sha256').update(listed.join('\n')).digest('hex').slice(0, 40),
    };
  }

  private async listRemote(
    options: readonly string[],
    names: readonly string[],
  ): Promise<{ readonly refs: ReadonlyMap<string, string>; readonly target?: string }> {
    const args = ['ls-remote', ...options, '--', this.session.clone.url, ...names];
    const { stdout } = await this.git('/', args);
    const refs = new Map<string, string>();
    let target: string | undefined;
    for (const line of stdout.toString('utf8').split('\n')) {
      const [value = '', name = ''] = line.split('\t');
      if (/^[0-9a-f]{40}$/.test(value)) refs.set(name, value);
      else if (name === 'HEAD') target = branchOf(value.replace(/^ref: /, ''));
    }
    return { refs, target };
  }

  private sha(listed: string): string {
    return this.listed.get(listed) ?? '';
  }

  /** Those of the objects that are in the git directory. */
  private async present(
    directory: string,
    objects: readonly string[],
  ): Promise<ReadonlySet<string>> {
    const { stdout } = await this.git(
      directory,
      ['cat-file', '--batch-check=%(objectname)'],
      objects.map((object) => `${object}\n`).join(''),
    );
    const lines = stdout.toString('latin1').split('\n');
    return new Set(lines.filter((line) => /^[0-9a-f]{40}$/.test(line)));
  }

  /** Negotiation offers what refs point to. */
  private async offerSeeds(directory: string, seeds: Seeds | undefined): Promise<void> {
    const gitdir = join(directory, '.git');
    for (const tip of seeds?.tips ?? []) await writeRef(gitdir, `${SEEDS}${tip}`, tip);
  }

  private async resolveHead(
    directory: string,
    local: string,
    answer: RemoteAnswer,
  ): Promise<{ readonly head: Head; readonly sha: string } | undefined> {
    const { commit, tag } = this.session.clone;
    const { stdout } = await this.git(
      directory,
      ['cat-file', '--batch-check=%(objectname) %(objecttype)'],
      `${local}\n${local}^{commit}\n`,
    );
    const [itself = '', peeled = ''] = stdout.toString('latin1').split('\n');
    const sha = itself.slice(0, 40);
    const found = peeled.slice(0, 40);
    if (!peeled.endsWith(' commit') || (commit !== undefined && sha !== found)) return undefined;
    const branch = commit === undefined && tag === undefined ? answer.branch : undefined;
    return { sha, head: { commit: found, branch } };
  }

  /** Looks only at objects: a branch or tag whose name looks like a SHA is never meant. */
  private async findCommit(directory: string, commit: string): Promise<string | undefined> {
    const listed = await this.git(directory, ['rev-parse', `--disambiguate=${commit}`]);
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
    if (commits.length > 1) {
      throw new GitError(
        'ref_not_found',
        `More than one commit begins with ${commit}. Give more digits.`,
        false,
      );
    }
    return commits[0];
  }

  private async git(
    directory: string,
    args: readonly string[],
    input?: string,
  ): Promise<GitOutcome> {
    const outcome = await this.tryGit(directory, args, input);
    if (outcome.exitCode === 0) return outcome;
    throw this.failureOf(outcome);
  }

  private failureOf(outcome: GitOutcome): GitError {
    return this.route.failure() ?? gitProgramError(outcome.stderr, this.session.forms);
  }

  private async tryGit(
    directory: string,
    args: readonly string[],
    input?: string,
  ): Promise<GitOutcome> {
    const { clone, signal, progress } = this.session;
    const outcome = await runGit({
      program: this.settings.program,
      maxMemoryBytes: this.settings.maxMemoryBytes,
      settings: this.route.settings,
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

/** Refs below it are removed when the clone is done. */
const SEEDS = 'refs/millrace/seeds/';
const WANTED = 'refs/millrace/wanted';
const TAGS = 'refs/tags/';
/** What git takes for "all of it", but asks the remote for, also where it has everything. */
const INFINITE_DEPTH = 2 ** 31 - 1;

/** `--update-shallow`: the remote may be a shallow clone itself. */
const FETCH_ARGS = [
  'fetch',
  '--progress',
  '--no-tags',
  '--no-write-fetch-head',
  '--update-shallow',
] as const;

function depthArgs(depth: number): readonly string[] {
  return depth === 0 ? [] : [`--depth=${depth}`];
}

/** The server says what its tags are called, so the name is checked before it becomes a refspec. */
function isTagName(ref: string): boolean {
  return ref.startsWith(TAGS) && isRefName(ref.slice(TAGS.length));
}

function localName(ref: string): string {
  return ref.replace(/^refs\/heads\//, 'refs/remotes/origin/');
}

/**
 * The server says what its default branch is called, so the name is checked before it becomes a
 * path.
 */
function branchOf(ref: string): string | undefined {
  const name = ref.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : undefined;
  return name !== undefined && isRefName(name) ? name : undefined;
}
