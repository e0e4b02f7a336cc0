import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as git from 'isomorphic-git';
import type { AddressPolicy } from '../../common/net/address-policy.js';
import { CheckedResolver } from '../../common/net/checked-addresses.js';
import { isRefName, type ValidClone } from './clone-request.js';
import { parseCommitObject } from './commit-object.js';
import { type ClonedCommit, GitError } from './git-client.js';
import { emptyRepository, refNotFound } from './git-failures.js';
import { GitHttpClient } from './isomorphic-git-http.js';
import { packOnlyFs } from './pack-only-fs.js';
import { checkoutTree } from './tree-checkout.js';

/** Runs inside the child process: it may block, and be killed at any time. */
export async function cloneWithIsomorphicGit(
  clone: ValidClone,
  policy: AddressPolicy,
  progress: (line: string) => void,
): Promise<ClonedCommit> {
  const http = new GitHttpClient(new URL(clone.url).origin, new CheckedResolver(policy));
  try {
    return await Promise.race([new IsomorphicClone(clone, http, progress).run(), http.failure]);
  } finally {
    http.close();
  }
}

/** Where HEAD goes: a branch by its name, or a commit by itself. */
interface Target {
  readonly oid: string;
  readonly branch?: string;
}

interface FetchScope {
  /** One ref or SHA; absent: all branches and tags. */
  readonly remoteRef?: string;
  readonly depth: number;
}

class IsomorphicClone {
  private readonly gitdir: string;
  private readonly fs: git.PromiseFsClient;
  private cache = {};

  constructor(
    private readonly clone: ValidClone,
    private readonly http: GitHttpClient,
    private readonly progress: (line: string) => void,
  ) {
    this.gitdir = join(clone.directory, '.git');
    this.fs = packOnlyFs(this.gitdir);
  }

  async run(): Promise<ClonedCommit> {
    await this.init();
    const target = await this.fetchTarget();
    const commit = await this.readCommit(target.oid);
    if (!commit) throw new GitError('failed', 'What was fetched is not a commit.', false);
    await this.setHead({ ...target, oid: commit.sha });
    await checkoutTree(this.objects(), commit.tree, this.clone.directory, this.progress);
    return { sha: commit.sha, ...parseCommitObject(commit.content) };
  }

  private async fetchTarget(): Promise<Target> {
    const { branch, tag, commit, depth } = this.clone;
    if (commit !== undefined) return { oid: await this.fetchCommit(commit) };
    if (branch !== undefined) {
      const remoteRef = `refs/heads/${branch}`;
      const { fetchHead } = await this.fetch({ remoteRef, depth }, `branch ${branch}`);
      return { oid: fetchHead, branch };
    }
    if (tag !== undefined) {
      const remoteRef = `refs/tags/${tag}`;
      const { fetchHead } = await this.fetch({ remoteRef, depth }, `tag ${tag}`);
      await this.writeRef(remoteRef, fetchHead);
      return { oid: fetchHead };
    }
    const { fetchHead, defaultBranch } = await this.fetch({ remoteRef: 'HEAD', depth }, 'HEAD');
    return { oid: fetchHead, branch: branchName(defaultBranch) };
  }

  /** The commit alone where the server gives it; else the whole history of all branches and tags is looked through. */
  private async fetchCommit(commit: string): Promise<string> {
    const sha = commit.length === 40 ? commit : await this.findTip(commit);
    if (sha !== undefined) {
      await this.fetch({ remoteRef: sha, depth: this.clone.depth }, `commit ${commit}`);
      if (await this.readCommit(sha)) return sha;
      await this.startAgain();
    }
    this.progress('The remote does not give this commit alone: fetching all of the history');
    await this.fetch({ depth: 0 }, `commit ${commit}`);
    const found = await this.findCommit(commit);
    if (found === undefined) throw refNotFound(`commit ${commit}`);
    return found;
  }

  private async findTip(prefix: string): Promise<string | undefined> {
    const refs = await git.listServerRefs({
      http: this.http,
      url: this.clone.url,
      protocolVersion: 1,
      onAuth: this.onAuth(),
    });
    const wanted = refs.filter(
      ({ ref, oid }) => /^refs\/(?:heads|tags)\//.test(ref) && oid.startsWith(prefix),
    );
    const unique = new Set(wanted.map(({ oid }) => oid));
    return unique.size === 1 ? wanted[0]?.oid : undefined;
  }

  private async findCommit(commit: string): Promise<string | undefined> {
    try {
      const oid = await git.expandOid({
        fs: this.fs,
        gitdir: this.gitdir,
        oid: commit,
        cache: this.cache,
      });
      return (await this.readCommit(oid))?.sha === oid ? oid : undefined;
    } catch (error) {
      if (error instanceof git.Errors.NotFoundError) return undefined;
      throw error;
    }
  }

  private async fetch(
    scope: FetchScope,
    what: string,
  ): Promise<{ readonly fetchHead: string; readonly defaultBranch: string | null }> {
    const phases = new Set<string>();
    const result = await git
      .fetch({
        fs: this.fs,
        http: this.http,
        gitdir: this.gitdir,
        cache: this.cache,
        url: this.clone.url,
        remote: 'origin',
        ref: scope.remoteRef ?? 'HEAD',
        remoteRef: scope.remoteRef ?? 'HEAD',
        singleBranch: scope.remoteRef !== undefined,
        tags: scope.remoteRef === undefined,
        depth: scope.depth === 0 ? undefined : scope.depth,
        onAuth: this.onAuth(),
        onMessage: (line) => this.remoteSays(line),
        onProgress: ({ phase }) => {
          if (phases.has(phase)) return;
          phases.add(phase);
          this.progress(phase);
        },
      })
      .catch((error: unknown) => {
        if (!(error instanceof git.Errors.NotFoundError)) throw error;
        throw scope.remoteRef === 'HEAD' ? emptyRepository() : refNotFound(what);
      });
    if (result.fetchHead === null) throw emptyRepository();
    return { fetchHead: result.fetchHead, defaultBranch: result.defaultBranch };
  }

  /** A line that is to be overwritten by the next one (`\r`) is left out. */
  private remoteSays(line: string): void {
    if (!line.endsWith('\r')) this.progress(`remote: ${line}`);
  }

  /** Called on a 401 only; a second 401 fails. */
  private onAuth(): git.AuthCallback | undefined {
    const { credentials } = this.clone;
    return credentials && (() => ({ ...credentials }));
  }

  /** The commit itself, or what an annotated tag leads to. undefined when it is not there or is something else. */
  private async readCommit(
    oid: string,
  ): Promise<{ sha: string; tree: string; content: Buffer } | undefined> {
    try {
      const read = await git.readCommit({
        fs: this.fs,
        gitdir: this.gitdir,
        oid,
        cache: this.cache,
      });
      const raw = await git.readObject({
        fs: this.fs,
        gitdir: this.gitdir,
        oid: read.oid,
        format: 'content',
        cache: this.cache,
      });
      const content = Buffer.from(raw.object as Uint8Array);
      return { sha: read.oid, tree: read.commit.tree, content };
    } catch (error) {
      const absent =
        error instanceof git.Errors.NotFoundError || error instanceof git.Errors.ObjectTypeError;
      if (absent) return undefined;
      throw error;
    }
  }

  private objects(): Parameters<typeof checkoutTree>[0] {
    const common = { fs: this.fs, gitdir: this.gitdir, cache: this.cache };
    return {
      readTree: async (oid) => (await git.readTree({ ...common, oid })).tree,
      readBlob: async (oid) => (await git.readBlob({ ...common, oid })).blob,
    };
  }

  private async init(): Promise<void> {
    const folders = ['hooks', 'info', 'objects/info', 'objects/pack', 'refs/heads', 'refs/tags'];
    await Promise.all(folders.map((name) => mkdir(join(this.gitdir, name), { recursive: true })));
    await writeFile(join(this.gitdir, 'HEAD'), 'ref: refs/heads/main\n');
    await writeFile(join(this.gitdir, 'config'), this.config());
  }

  private config(): string {
    const { branch } = this.clone;
    const lines = [
      '[core]',
      '\trepositoryformatversion = 0',
      '\tfilemode = true',
      '\tbare = false',
      '\tlogallrefupdates = true',
      '[remote "origin"]',
      `\turl = "${this.clone.url.replaceAll('"', '\\"')}"`,
      '\tfetch = +refs/heads/*:refs/remotes/origin/*',
    ];
    const tracking = branch === undefined ? [] : trackingLines(branch);
    return `${[...lines, ...tracking].join('\n')}\n`;
  }

  /** Nothing of a first attempt is left, not even in memory. */
  private async startAgain(): Promise<void> {
    await rm(this.gitdir, { recursive: true, force: true });
    this.cache = {};
    await this.init();
  }

  private async setHead(target: Target): Promise<void> {
    const { oid, branch } = target;
    if (branch === undefined) return writeFile(join(this.gitdir, 'HEAD'), `${oid}\n`);
    await this.writeRef(`refs/heads/${branch}`, oid);
    await writeFile(join(this.gitdir, 'HEAD'), `ref: refs/heads/${branch}\n`);
    if (this.clone.branch !== undefined) return;
    const config = join(this.gitdir, 'config');
    const text = await readFile(config, 'utf8');
    await writeFile(config, `${text}${trackingLines(branch).join('\n')}\n`);
  }

  private async writeRef(ref: string, oid: string): Promise<void> {
    const path = join(this.gitdir, ref);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `${oid}\n`);
  }
}

/** The server says what its default branch is called, so the name is checked before it becomes a path. */
function branchName(ref: string | null): string | undefined {
  const name = ref?.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : undefined;
  return name !== undefined && isRefName(name) ? name : undefined;
}

function trackingLines(branch: string): readonly string[] {
  return [
    `[branch "${branch.replaceAll('"', '\\"')}"]`,
    '\tremote = origin',
    `\tmerge = "refs/heads/${branch.replaceAll('"', '\\"')}"`,
  ];
}
