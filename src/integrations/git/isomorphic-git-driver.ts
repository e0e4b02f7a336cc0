import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as git from 'isomorphic-git';
import { checkoutNotices } from './checkout-notices.js';
import type { CheckedOut, CloneDriver, FetchRequest, RemoteRefs } from './clone-driver.js';
import { isRefName } from '../../common/values/ref-name.js';
import type { ValidClone } from './clone-request.js';
import { parseCommitObject } from './commit-object.js';
import { type ClonedCommit, GitError } from './git-client.js';
import { writeRefs, writeWorkRefs } from './git-directory.js';
import { notAGitServer, severalCommits, sha256Repository } from './git-failures.js';
import { isomorphicGitFailure } from './isomorphic-git-failure.js';
import type { GitHttpClient } from './isomorphic-git-http.js';
import { writeIndex } from './isomorphic-git-index.js';
import { packOnlyFs } from './pack-only-fs.js';
import type { ChildProgress } from './progress-lines.js';
import { checkoutTree } from './tree-checkout.js';

/** How far back in the history a commit is looked for. */
const MAX_ANCESTORS = 500;

/**
 * One clone by isomorphic-git. Runs inside the child process: it may block, and be killed at any
 * time.
 */
export class IsomorphicGitDriver implements CloneDriver {
  readonly incremental = false;
  /** Listing tells it whether the remote wants credentials. */
  readonly fetchesUnlisted = false;
  /** Set when the remote asked for credentials, and took ours. */
  private headers: Record<string, string> = {};
  /** Where the history of the remote itself ends. */

  constructor(
    private readonly clone: ValidClone,
    private readonly http: GitHttpClient,
    private readonly progress: ChildProgress,
  ) {}

  async listRefs(): Promise<RemoteRefs> {
    const { http, clone } = this;
    const { url } = clone;
    const info = await git.getRemoteInfo2({ http, url, protocolVersion: 1, onAuth: this.onAuth() });
    const named = info.refs ?? [];
    if (named.length > 0 && clone.depth !== 0 && !('shallow' in info.capabilities)) {
      throw new GitError('failed', 'The remote gives no part of the history: use depth 0.', false);
    }
    if (info.capabilities['object-format'] === 'sha256') throw sha256Repository();
    // They become names of refs and paths of objects.
    const shas = [...this.http.remoteShallow, ...named.map(({ oid }) => oid)];
    if (!shas.every((sha) => /^[0-9a-f]{40}$/.test(sha))) throw notAGitServer();
    const head = named.find(({ ref }) => ref === 'HEAD');
    const refs = new Map(named.filter((each) => each !== head).map(({ ref, oid }) => [ref, oid]));
    for (const { ref, peeled } of named) if (peeled !== undefined) refs.set(`${ref}^{}`, peeled);
    return { refs, ...(head && { head: { sha: head.oid, branch: defaultBranch(head, named) } }) };
  }

  async fetch(directory: string, { wants, depth, seeds }: FetchRequest): Promise<boolean> {
    const gitdir = join(directory, '.git');
    const common = this.common(directory);
    const [only] = wants.length === 1 ? wants : [];
    await writeWorkRefs(gitdir, seeds);
    await git.fetch({
      ...common,
      http: this.http,
      url: this.clone.url,
      headers: this.headers,
      ...(depth !== 0 && { depth }),
      // isomorphic-git asks for one thing, or for all branches and tags.
      ...(only === undefined
        ? { tags: true, singleBranch: false }
        : { ref: seeds[0] && workRef(seeds[0]), remoteRef: only, singleBranch: true }),
      // No `onProgress`: it looks for numbers by an expression that a long line of a hostile server
      // keeps busy for ever.
      onMessage: (text) => this.progress.remoteText(text),
    });
    // It takes a refusal for an answer without objects.
    if (!(await this.has(directory, only ?? wants[0] ?? ''))) return false;
    if (depth === 0) await this.endWhereTheRemoteEnds(gitdir);
    // Names that the server chose are written by `writeRefs` only, which gets them checked.
    await writeRefs(gitdir, new Map());
    return true;
  }

  /**
   * It makes no pack smaller, but where all history is there it tells whether there is something to
   * drop.
   */
  async dropUnreachable(
    directory: string,
    tips: readonly string[],
    seeds: readonly string[],
  ): Promise<boolean> {
    const fresh = tips.filter((tip) => !seeds.includes(tip));
    for (const seed of seeds.filter((each) => !tips.includes(each))) {
      if (!(await this.isBehindOne(directory, seed, fresh))) return false;
    }
    return true;
  }

  async readCommit(directory: string, sha: string): Promise<ClonedCommit | undefined> {
    return (await this.readWithTree(directory, sha))?.commit;
  }

  async findCommit(directory: string, digits: string): Promise<string | undefined> {
    try {
      const oid = await git.expandOid({ ...this.common(directory), oid: digits });
      return (await this.readCommit(directory, oid))?.sha === oid ? oid : undefined;
    } catch (error) {
      if (error instanceof git.Errors.NotFoundError) return undefined;
      if (error instanceof git.Errors.AmbiguousError) throw severalCommits(digits);
      throw error;
    }
  }

  async checkout(directory: string, workTree: string): Promise<CheckedOut> {
    const common = this.common(directory);
    const head = await git.resolveRef({ ...common, ref: 'HEAD' });
    const found = await this.readWithTree(directory, head);
    if (!found) throw new GitError('failed', 'What was fetched is not a commit.', false);
    const read = async (oid: string, type: string): Promise<Uint8Array> => {
      const object = await git.readObject({ ...common, oid, format: 'content' }).catch(absent);
      if (object?.type === type) return object.object as Uint8Array;
      throw new GitError('failed', `The tree of this commit is broken: no ${type} ${oid}.`, false);
    };
    const written = await checkoutTree(
      { readTree: (oid) => read(oid, 'tree'), readBlob: (oid) => read(oid, 'blob') },
      found.tree,
      workTree,
      (line) => this.progress.update(line),
      this.clone.only,
    );
    await writeIndex(common, written.entries);
    if (this.clone.only) return { submodules: [] };
    for (const notice of checkoutNotices(written)) this.progress.write(notice);
    return { submodules: written.submodules };
  }

  /** It cannot; the checkout names them. */
  fillPointers(): Promise<void> {
    return Promise.resolve();
  }

  failure(error: unknown): GitError {
    return isomorphicGitFailure(error);
  }

  private async has(directory: string, oid: string): Promise<boolean> {
    const read = git.readObject({ ...this.common(directory), oid, format: 'deflated' });
    return (await read.catch(absent)) !== undefined;
  }

  private async isBehindOne(
    directory: string,
    ancestor: string,
    tips: readonly string[],
  ): Promise<boolean> {
    for (const oid of tips) {
      const found = await git
        .isDescendent({ ...this.common(directory), oid, ancestor, depth: MAX_ANCESTORS })
        // Too far away to be looked for, or no commit.
        .catch(() => false);
      if (found) return true;
    }
    return false;
  }

  private async readWithTree(
    directory: string,
    oid: string,
  ): Promise<{ readonly commit: ClonedCommit; readonly tree: string } | undefined> {
    const common = this.common(directory);
    try {
      const read = await git.readCommit({ ...common, oid });
      const raw = await git.readObject({ ...common, oid: read.oid, format: 'content' });
      const content = Buffer.from(raw.object as Uint8Array);
      return { commit: { sha: read.oid, ...parseCommitObject(content) }, tree: read.commit.tree };
    } catch (error) {
      const { NotFoundError, ObjectTypeError } = git.Errors;
      if (error instanceof NotFoundError || error instanceof ObjectTypeError) return undefined;
      throw error;
    }
  }

  private async endWhereTheRemoteEnds(gitdir: string): Promise<void> {
    const { remoteShallow } = this.http;
    if (remoteShallow.length === 0) return;
    const there = await readFile(join(gitdir, 'shallow'), 'latin1').catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return '';
        throw error;
      },
    );
    const ends = new Set([...there.split('\n').filter((sha) => sha !== ''), ...remoteShallow]);
    await writeFile(join(gitdir, 'shallow'), [...ends].map((sha) => `${sha}\n`).join(''));
  }

  /** Called on a 401 only; a second 401 fails. */
  private onAuth(): git.AuthCallback | undefined {
    const { credentials } = this.clone;
    return (
      credentials &&
      (() => {
        const pair = `${credentials.username}:${credentials.password}`;
        this.headers = { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
        return { ...credentials };
      })
    );
  }

  private common(directory: string): Common {
    const gitdir = join(directory, '.git');
    if (this.opened?.gitdir !== gitdir) this.opened = { fs: packOnlyFs(gitdir), gitdir, cache: {} };
    return this.opened;
  }

  private opened: Common | undefined;
}

/** Of one `.git`; the cache remembers what was read, also of what changes later. */
interface Common {
  readonly fs: git.PromiseFsClient;
  readonly gitdir: string;
  readonly cache: object;
}

function absent(error: unknown): undefined {
  if (!(error instanceof git.Errors.NotFoundError)) throw error;
}

function workRef(sha: string): string {
  return `refs/millrace/${sha}`;
}

/** As the remote says; one that does not say is taken at its word of what HEAD is. */
function defaultBranch(head: git.ServerRef, refs: readonly git.ServerRef[]): string | undefined {
  const same = refs.find(({ ref, oid }) => ref.startsWith('refs/heads/') && oid === head.oid);
  const target = head.target ?? same?.ref;
  const name = target?.startsWith('refs/heads/') ? target.slice('refs/heads/'.length) : undefined;
  return name !== undefined && isRefName(name) ? name : undefined;
}
