import { AddressPolicy } from '../../common/net/address-policy.js';
import { CheckedResolver, type ResolveHost } from '../../common/net/checked-addresses.js';
import {
  type CloneOptions,
  type CloneSession,
  DEFAULT_CLONE_TIMEOUT_MS,
  runCloneSession,
} from './clone-session.js';
import { parseCommitObject } from './commit-object.js';
import { GitClient, type ClonedCommit, type CloneRequest, GitError } from './git-client.js';
import { emptyRepository, gitProgramError, refNotFound } from './git-failures.js';
import { type GitRoute, openRoute } from './git-route.js';
import { type GitOutcome, runGit } from './git-program.js';

export interface GitProgramClientOptions {
  /** A name on the fixed PATH, or an absolute path. Default `git`. */
  readonly program?: string;
  /** Default 10 minutes. */
  readonly timeoutMs?: number;
  /** Private addresses that may be reached, as ALLOW_PRIVATE_URLS says. Default none. */
  readonly allowPrivateUrls?: readonly string[];
  /** Default: that of the machine. */
  readonly resolve?: ResolveHost;
  /** Added to git's otherwise bare environment: `GIT_SSL_CAINFO`, `SSH_AUTH_SOCK`. */
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * Clones with the `git` program. Allows https, http and ssh (keys of the user that Millrace runs as).
 *
 * Symbolic links are written as they are in the tree, also when they lead outside; git never writes through one.
 * Attributes of the tree (`eol`, `ident`) apply; filters (LFS) and submodules do not.
 */
export class GitProgramClient extends GitClient {
  readonly name = 'git';

  constructor(private readonly settings: GitProgramClientOptions = {}) {
    super();
  }

  clone(request: CloneRequest, options: CloneOptions): Promise<ClonedCommit> {
    const limits = {
      schemes: ['https', 'http', 'ssh'],
      timeoutMs: this.settings.timeoutMs ?? DEFAULT_CLONE_TIMEOUT_MS,
    } as const;
    return runCloneSession(request, options, limits, (session) => this.cloneWith(session));
  }

  /** Nothing waits between two clones. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  private async cloneWith(session: CloneSession): Promise<ClonedCommit> {
    const policy = new AddressPolicy(this.settings.allowPrivateUrls ?? []);
    const resolver = new CheckedResolver(policy, this.settings.resolve);
    const route = await openRoute(session.clone, resolver);
    try {
      return await this.cloneOver({ ...session, route });
    } finally {
      await route.close();
    }
  }

  private async cloneOver(session: RoutedSession): Promise<ClonedCommit> {
    const { branch, tag, commit } = session.clone;
    if (commit !== undefined) await this.cloneCommit(session, commit);
    else if (branch !== undefined) await this.cloneBranch(session, branch);
    else if (tag !== undefined) await this.cloneTag(session, tag);
    else await this.cloneDefault(session);
    return this.readHead(session);
  }

  private async cloneDefault(session: RoutedSession): Promise<void> {
    const { clone } = session;
    const args = ['clone', '--progress', '--no-local', '--single-branch', '--no-tags'];
    await this.git(session, [...args, ...depthArgs(clone.depth), '--', clone.url, '.']);
  }

  private async cloneBranch(session: RoutedSession, branch: string): Promise<void> {
    const remoteRef = `refs/remotes/origin/${branch}`;
    await this.init(session);
    await this.fetch(session, [`+refs/heads/${branch}:${remoteRef}`], `branch ${branch}`);
    await this.git(session, ['checkout', '-q', '-B', branch, remoteRef, '--']);
  }

  private async cloneTag(session: RoutedSession, tag: string): Promise<void> {
    const ref = `refs/tags/${tag}`;
    await this.init(session);
    await this.fetch(session, [`+${ref}:${ref}`], `tag ${tag}`);
    await this.git(session, ['checkout', '-q', '--detach', ref, '--']);
  }

  /** The commit alone where the server gives it; else the whole history of all branches and tags is looked through. */
  private async cloneCommit(session: RoutedSession, commit: string): Promise<void> {
    await this.init(session);
    const sha = commit.length === 40 ? commit : await this.findTip(session, commit);
    const found =
      (sha !== undefined && (await this.fetchExact(session, sha))) ||
      (await this.fetchAllAndFind(session, commit));
    await this.git(session, ['checkout', '-q', '--detach', found, '--']);
  }

  /** The one advertised branch or tag whose commit begins with these digits. */
  private async findTip(session: RoutedSession, prefix: string): Promise<string | undefined> {
    const args = ['ls-remote', '--heads', '--tags', '--', session.clone.url];
    const outcome = await this.git(session, args);
    const shas = outcome.stdout
      .toString('utf8')
      .split('\n')
      .map((line) => line.slice(0, 40))
      .filter((sha) => sha.startsWith(prefix));
    const unique = new Set(shas);
    return unique.size === 1 ? shas[0] : undefined;
  }

  /** undefined when the server does not give commits by their SHA, or has no such commit. */
  private async fetchExact(session: RoutedSession, sha: string): Promise<string | undefined> {
    const args = [...fetchArgs, ...depthArgs(session.clone.depth), '--', 'origin', sha];
    const outcome = await this.tryGit(session, args);
    if (outcome.exitCode === 0) return this.findCommit(session, sha);
    const error = failureOf(session, outcome);
    if (error.code === 'ref_not_found') return undefined;
    throw error;
  }

  private async fetchAllAndFind(session: RoutedSession, commit: string): Promise<string> {
    session.progress.write(
      'The remote does not give this commit alone: fetching all of the history',
    );
    const refspecs = ['+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*'];
    await this.git(session, [...fetchArgs, '--', 'origin', ...refspecs]);
    const found = await this.findCommit(session, commit);
    if (found === undefined) throw refNotFound(`commit ${commit}`);
    return found;
  }

  /** Looks only at objects: a branch or tag whose name looks like a SHA is never meant. */
  private async findCommit(session: RoutedSession, commit: string): Promise<string | undefined> {
    const listed = await this.git(session, ['rev-parse', `--disambiguate=${commit}`]);
    const checked = await this.git(
      session,
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

  private async init(session: RoutedSession): Promise<void> {
    await this.git(session, ['init', '-q']);
    await this.git(session, ['remote', 'add', '--', 'origin', session.clone.url]);
  }

  private async fetch(
    session: RoutedSession,
    refspecs: readonly string[],
    what: string,
  ): Promise<void> {
    const args = [...fetchArgs, ...depthArgs(session.clone.depth), '--', 'origin', ...refspecs];
    const outcome = await this.tryGit(session, args);
    if (outcome.exitCode === 0) return;
    const error = failureOf(session, outcome);
    throw error.code === 'ref_not_found' ? refNotFound(what) : error;
  }

  private async readHead(session: RoutedSession): Promise<ClonedCommit> {
    const { stdout } = await this.git(session, ['cat-file', '--batch'], 'HEAD\n');
    const headerEnd = stdout.indexOf('\n');
    const [sha = '', type] = stdout.subarray(0, headerEnd).toString('latin1').split(' ');
    if (type !== 'commit') throw emptyRepository();
    return { sha, ...parseCommitObject(stdout.subarray(headerEnd + 1, -1)) };
  }

  private async git(
    session: RoutedSession,
    args: readonly string[],
    input?: string,
  ): Promise<GitOutcome> {
    const outcome = await this.tryGit(session, args, input);
    if (outcome.exitCode === 0) return outcome;
    throw failureOf(session, outcome);
  }

  private async tryGit(
    session: RoutedSession,
    args: readonly string[],
    input?: string,
  ): Promise<GitOutcome> {
    const { clone, signal, progress, route } = session;
    const outcome = await runGit({
      program: this.settings.program ?? 'git',
      args,
      directory: clone.directory,
      url: clone.url,
      credentials: clone.credentials,
      input,
      settings: route.settings,
      environment: { ...this.settings.environment, ...route.environment },
      signal,
      onLine: (line) => progress.write(line),
    });
    signal.throwIfAborted();
    return outcome;
  }
}

/** A clone with the way to its remote. */
interface RoutedSession extends CloneSession {
  readonly route: GitRoute;
}

function failureOf({ route, forms }: RoutedSession, outcome: GitOutcome): GitError {
  return route.failure() ?? gitProgramError(outcome.stderr, forms);
}

const fetchArgs = ['fetch', '--progress', '--no-tags', '--no-write-fetch-head'] as const;

function depthArgs(depth: number): readonly string[] {
  return depth === 0 ? [] : [`--depth=${depth}`];
}
