import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import * as git from 'isomorphic-git';
import type { CloneDriver, Fetched, RemoteAnswer, Seeds } from './clone-driver.js';
import { isRefName, type ValidClone } from './clone-request.js';
import { parseCommitObject } from './commit-object.js';
import { type ClonedCommit, GitError } from './git-client.js';
import { addPackedRefs, type Head, writeRef } from './git-directory.js';
import { emptyRepository, notAGitServer, refNotFound, tagsChanged } from './git-failures.js';
import { described, refNamed } from './ref-names.js';
import { PackedRepository } from './packed-repository.js';
import type { ChildProgress } from './progress-lines.js';
import { describeSubmodules } from './submodule-notice.js';
import { missingBases, withObjects } from './thin-pack.js';
import { checkoutTree } from './tree-checkout.js';
import { fetchPack, type PackAnswer, type PackRequest } from './upload-pack.js';

/**
 * One clone by isomorphic-git. Runs inside the child process: it may block, and be killed at any
 * time.
 */
export class IsomorphicGitDriver implements CloneDriver {
  /** Set when the remote asked for credentials, and took ours. */
  private authorization: Readonly<Record<string, string>> = {};
  private capabilities: Readonly<Record<string, unknown>> = {};
  private refs: readonly git.ServerRef[] = [];
  private repository: PackedRepository | undefined;
  /** Where the history of the remote itself ends. */
  private remoteShallow: readonly string[] = [];

  constructor(
    private readonly clone: ValidClone,
    private readonly http: git.HttpClient,
    private readonly progress: ChildProgress,
  ) {}

  async ask(): Promise<RemoteAnswer> {
    const { branch, tag, commit, url } = this.clone;
    const info = await git.getRemoteInfo2({
      http: this.http,
      url,
      protocolVersion: 1,
      onAuth: this.onAuth(),
    });
    this.capabilities = info.capabilities;
    // A remote that is itself a shallow clone says `shallow SHA` after its refs, which
    // isomorphic-git takes for one more.
    const told = info.refs ?? [];
    this.refs = told.filter(({ oid }) => oid !== 'shallow');
    this.remoteShallow = told.filter(({ oid }) => oid === 'shallow').map(({ ref }) => ref);
    // They become names of refs and paths of objects.
    if (!this.refs.every(({ oid }) => /^[0-9a-f]{40}$/.test(oid))) throw notAGitServer();
    if (!this.remoteShallow.every((sha) => /^[0-9a-f]{40}$/.test(sha))) throw notAGitServer();
    const named = new Map(this.refs.map(({ ref, oid }) => [ref, oid]));
    const advertised = new Set(named.values());
    if (commit !== undefined) return { ...this.answerForCommit(commit), branch, advertised };
    const ref = refNamed(branch, tag);
    const sha = named.get(ref ?? 'HEAD');
    if (sha === undefined) {
      throw ref === undefined ? emptyRepository() : refNotFound(described(branch, tag));
    }
    if (ref !== undefined) return { sha, branch, advertised };
    return { sha, branch: this.defaultBranch(sha), advertised };
  }

  async fetch(directory: string, answer: RemoteAnswer, seeds?: Seeds): Promise<Fetched> {
    const { commit, tag, depth } = this.clone;
    const sha = answer.sha ?? commit ?? '';
    const proven = seeds?.prove ? seeds.tips.filter((tip) => !answer.advertised.has(tip)) : [];
    const request = {
      wants: [sha, ...proven],
      haves: seeds?.tips ?? [],
      depth,
      // To whom a part of the history is sent, only what is new is sent in a thin pack; else all of
      // it.
      thin: seeds !== undefined && depth !== 0,
    };
    const fetched = await this.fetchInto(directory, request);
    if (fetched.kind === 'refused') {
      if (commit !== undefined || proven.length > 0) return fetched;
      throw refNotFound('such branch, tag or commit');
    }
    const head = await this.headAt(directory, sha, answer);
    if (!head) {
      // A tag object, or a remote that sent something else than what was asked for.
      if (commit !== undefined) return { kind: 'refused' };
      throw new GitError('failed', 'What was fetched is not a commit.', false);
    }
    await this.writeNames(directory, answer, sha, tag);
    return { kind: 'fetched', head, sha, all: false };
  }

  async fetchAll(directory: string, answer: RemoteAnswer): Promise<Fetched> {
    const commit = this.clone.commit ?? '';
    this.progress.write('The remote does not give this commit alone: fetching all of the history');
    const wants = this.branchesAndTags().map(({ oid }) => oid);
    if (wants.length === 0) throw refNotFound(`commit ${commit}`);
    const fetched = await this.fetchInto(directory, { wants, haves: [], depth: 0, thin: false });
    if (fetched.kind === 'refused') throw refNotFound(`commit ${commit}`);
    const head = await this.adopt(directory, answer, true);
    if (!head) throw refNotFound(`commit ${commit}`);
    return { kind: 'fetched', head, sha: head.commit, all: true };
  }

  async adopt(directory: string, answer: RemoteAnswer, all: boolean): Promise<Head | undefined> {
    if (all) {
      const found = await this.open(directory).findCommit(this.clone.commit ?? '');
      if (found === undefined) return undefined;
      await this.writePackedRefs(directory);
      return { commit: found };
    }
    if (answer.sha === undefined) return undefined;
    const head = await this.headAt(directory, answer.sha, answer);
    if (head) await this.writeNames(directory, answer, answer.sha, this.clone.tag);
    return head;
  }

  async fetchTags(directory: string, head: Head): Promise<void> {
    const repository = this.open(directory);
    const there = repository.objects();
    // What they lead to is there; of an annotated one, the tag itself may not be.
    const tags = this.branchesAndTags().filter(
      ({ ref, oid, peeled }) => ref.startsWith('refs/tags/') && there.has(peeled ?? oid),
    );
    const wants = tags.map(({ oid }) => oid).filter((oid) => !there.has(oid));
    if (wants.length > 0) {
      const request = { wants, haves: [head.commit], depth: 0, thin: false };
      const fetched = await this.fetchInto(directory, request);
      const now = repository.objects();
      if (fetched.kind === 'refused' || !wants.every((oid) => now.has(oid))) throw tagsChanged();
    }
    await addPackedRefs(
      join(directory, '.git'),
      tags.map(({ ref, oid }) => [ref, oid]),
    );
  }

  async isAncestor(directory: string, commit: string, tips: readonly string[]): Promise<boolean> {
    const repository = this.open(directory);
    for (const tip of tips) {
      if (tip !== commit && !(await repository.isAncestor(tip, commit))) return false;
    }
    return true;
  }

  async checkout(directory: string, workTree: string): Promise<ClonedCommit> {
    const gitdir = join(directory, '.git');
    const repository = this.open(directory);
    const oid = await git.resolveRef({ fs: repository.fs, gitdir, ref: 'HEAD' });
    const commit = await repository.readCommit(oid);
    if (!commit) throw new GitError('failed', 'What was fetched is not a commit.', false);
    const submodules: string[] = [];
    await checkoutTree(
      repository.objects(),
      commit.tree,
      workTree,
      (line) => this.progress.update(line),
      { index: join(gitdir, 'index'), onSubmodule: (path) => submodules.push(path) },
    );
    const notice = describeSubmodules(submodules);
    if (notice !== undefined) this.progress.write(notice);
    return { sha: commit.sha, ...parseCommitObject(commit.content) };
  }

  private answerForCommit(commit: string): Pick<RemoteAnswer, 'sha' | 'refsDigest'> {
    const refs = this.branchesAndTags();
    const wanted = new Set(refs.map(({ oid }) => oid).filter((oid) => oid.startsWith(commit)));
    const listed = refs.map(({ ref, oid }) => `${ref} ${oid}`).sort();
    return {
      sha: wanted.size === 1 ? [...wanted][0] : undefined,
      refsDigest: createHash('sha256').update(listed.join('\n')).digest('hex').slice(0, 40),
    };
  }

  private branchesAndTags(): readonly git.ServerRef[] {
    return this.refs.filter(
      ({ ref }) => /^refs\/(?:heads|tags)\//.test(ref) && isRefName(ref.slice('refs/'.length)),
    );
  }

  /** As the remote says; one that does not say is taken at its word of what HEAD is. */
  private defaultBranch(sha: string): string | undefined {
    const head = this.refs.find(({ ref }) => ref === 'HEAD');
    const target =
      head?.target ??
      this.refs.find(({ ref, oid }) => ref.startsWith('refs/heads/') && oid === sha)?.ref;
    const name = target?.startsWith('refs/heads/') ? target.slice('refs/heads/'.length) : undefined;
    return name !== undefined && isRefName(name) ? name : undefined;
  }

  private async fetchInto(
    directory: string,
    request: Omit<PackRequest, 'shallow'>,
  ): Promise<PackAnswer> {
    const gitdir = join(directory, '.git');
    const shallow = await readShallow(gitdir);
    if (request.depth !== 0 && !('shallow' in this.capabilities)) {
      throw new GitError('failed', 'The remote gives no part of the history: use depth 0.', false);
    }
    const transport = {
      http: this.http,
      url: this.clone.url,
      headers: this.authorization,
      onMessage: (text: string) => this.progress.remoteText(text),
      onBytes: (bytes: number) =>
        this.progress.update(`Receiving objects: ${(bytes / 2 ** 20).toFixed(1)} MiB`),
    };
    const packs = join(gitdir, 'objects', 'pack');
    const answer = await fetchPack(transport, { ...request, shallow }, packs);
    if (answer.kind === 'refused') return answer;
    const ends = request.depth === 0 ? this.remoteShallow : [];
    const rest = new Set([...shallow, ...answer.shallow, ...ends]);
    for (const sha of answer.unshallow) rest.delete(sha);
    if (rest.size > 0) {
      await writeFile(join(gitdir, 'shallow'), [...rest].map((sha) => `${sha}\n`).join(''));
    }
    if (answer.path !== undefined) {
      await this.indexPack(gitdir, answer.path);
      if (request.thin) await this.completePack(gitdir, answer.path);
    }
    return answer;
  }

  private async completePack(gitdir: string, path: string): Promise<void> {
    const indexPath = path.replace(/\.pack$/, '.idx');
    const thin = await readFile(path);
    const bases = missingBases(thin, await readFile(indexPath));
    if (bases.length === 0) return;
    const repository = this.open(dirname(gitdir));
    const objects = await Promise.all(bases.map((base) => repository.readPackObject(base)));
    const { pack, checksum } = withObjects(thin, objects);
    await Promise.all([rm(path), rm(indexPath)]);
    const whole = join(dirname(path), `pack-${checksum}.pack`);
    await writeFile(whole, pack, { mode: 0o444 });
    await this.indexPack(gitdir, whole);
  }

  private async indexPack(gitdir: string, path: string): Promise<void> {
    const { fs, cache } = this.open(dirname(gitdir));
    await git.indexPack({
      fs,
      cache,
      dir: dirname(path),
      gitdir,
      filepath: basename(path),
      onProgress: ({ phase, loaded, total }) => {
        const percent =
          total > 0 ? ` ${Math.floor((100 * loaded) / total)}% (${loaded}/${total})` : '';
        this.progress.update(
          `${phase === 'Receiving objects' ? 'Reading objects' : phase}:${percent}`,
        );
      },
    });
  }

  /** undefined when it is not there, or a commit was asked for and this is something else. */
  private async headAt(
    directory: string,
    sha: string,
    answer: RemoteAnswer,
  ): Promise<Head | undefined> {
    const { commit, tag } = this.clone;
    const found = await this.open(directory).readCommit(sha);
    if (!found || (commit !== undefined && found.sha !== sha)) return undefined;
    const branch = commit === undefined && tag === undefined ? answer.branch : undefined;
    return { commit: found.sha, branch };
  }

  private async writeNames(
    directory: string,
    answer: RemoteAnswer,
    sha: string,
    tag: string | undefined,
  ): Promise<void> {
    if (this.clone.commit !== undefined) return;
    const gitdir = join(directory, '.git');
    if (tag !== undefined) return writeRef(gitdir, `refs/tags/${tag}`, sha);
    if (answer.branch !== undefined) {
      await writeRef(gitdir, `refs/remotes/origin/${answer.branch}`, sha);
    }
  }

  private async writePackedRefs(directory: string): Promise<void> {
    await addPackedRefs(
      join(directory, '.git'),
      this.branchesAndTags().map(({ ref, oid }) => [
        ref.replace(/^refs\/heads\//, 'refs/remotes/origin/'),
        oid,
      ]),
    );
  }

  /** Called on a 401 only; a second 401 fails. */
  private onAuth(): git.AuthCallback | undefined {
    const { credentials } = this.clone;
    return (
      credentials &&
      (() => {
        const pair = `${credentials.username}:${credentials.password}`;
        this.authorization = { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
        return { ...credentials };
      })
    );
  }

  private open(directory: string): PackedRepository {
    if (this.repository?.directory !== directory) this.repository = new PackedRepository(directory);
    return this.repository;
  }
}

async function readShallow(gitdir: string): Promise<readonly string[]> {
  const text = await readFile(join(gitdir, 'shallow'), 'latin1').catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    },
  );
  return text.split('\n').filter((line) => line !== '');
}
