import { createHash } from 'node:crypto';
import { cp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckedOut, CloneDriver, FetchRequest, RemoteRefs } from './clone-driver.js';
import { whenBothEnd } from '../../common/async/when-both-end.js';
import { isRefName } from '../../common/values/ref-name.js';
import type { ValidClone } from './clone-request.js';
import { type Cloned, type ClonedCommit, GitError } from './git-client.js';
import { type Head, makeGitDirectory, writeHead, writeRefs } from './git-directory.js';
import { emptyRepository, refNotFound, refsChanged } from './git-failures.js';
import type { MirrorEntry } from './git-mirror-entry.js';
import { BrokenMirrorError, type GitMirrorStore } from './git-mirror-store.js';
import { described, refNamed } from './ref-names.js';

/** What a clone works with, beside its driver. */
export interface CloneTools {
  readonly clone: ValidClone;
  readonly progress: (line: string) => void;
  /** Absent: no mirrors. */
  readonly mirrors?: GitMirrorStore;
  readonly signal?: AbortSignal;
}

/** How long a clone waits for another one that fetches the same repository for the first time. */
const MAX_TURN_MS = 120_000;
/** Each increment adds a pack; every object is looked for in all of them. */
const MAX_PACKS = 40;
/** What is fetched whole in less time than an increment of it takes. */
const MIN_BASE_BYTES = 2 * 2 ** 20;

/**
 * Clones, through a mirror where there is one. A mirror never decides anything: the remote is
 * asked first, with the credentials of this clone, and an object is taken from a mirror only where
 * the remote just named what it belongs to, or accepted to send it; for a whole SHA and the same
 * credentials "just" is a minute (`givenMs`), and the remote is not asked again in it. A mirror
 * that is damaged is made again; one that cannot be made is done without.
 */
export async function cloneRepository(
  driver: CloneDriver,
  tools: CloneTools,
): Promise<Cloned & CheckedOut> {
  if (driver.fetchesUnlisted && isOneCommit(tools.clone)) {
    try {
      return await cloneWanted(driver, tools, new Wanted(tools.clone, UNLISTED));
    } catch (error) {
      if (!(error instanceof NotGivenAloneError)) throw error;
    }
  }
  return cloneWanted(driver, tools, new Wanted(tools.clone, await driver.listRefs()));
}

/** Whether no name of the remote matters. */
function isOneCommit({ commit, depth, tags }: ValidClone): boolean {
  return commit?.length === 40 && depth !== 0 && tags !== true;
}

const UNLISTED: RemoteRefs = { refs: new Map() };

/** The remote does not give the commit by its SHA, and its refs were not listed. */
class NotGivenAloneError extends Error {}

async function cloneWanted(
  driver: CloneDriver,
  tools: CloneTools,
  wanted: Wanted,
): Promise<Cloned & CheckedOut> {
  const { mirrors, signal, progress, clone } = tools;
  if (!mirrors) return new PlainClone(driver, tools, wanted).run();
  for (let attempts = 1; ; attempts++) {
    const attempt = new MirroredClone(driver, tools, wanted, mirrors);
    try {
      return await attempt.run();
    } catch (error) {
      const blame = attempt.blame(error);
      if (signal?.aborted || blame === 'none') throw error;
      await attempt.throwAway();
      await emptyFolder(clone.directory);
      if (blame === 'entry' && attempts === 1) {
        progress('The local mirror of this repository is damaged: it is made again');
        continue;
      }
      progress('The local mirror of this repository could not be used: cloning without it');
      return new PlainClone(driver, tools, wanted).run();
    }
  }
}

async function emptyFolder(folder: string): Promise<void> {
  const names = await readdir(folder, { encoding: 'buffer' });
  const base = Buffer.from(`${folder}/`);
  await Promise.all(
    names.map((name) => rm(Buffer.concat([base, name]), { recursive: true, force: true })),
  );
}

/** What is asked for, by what the remote said. */
class Wanted {
  /** The branch that HEAD will follow. */
  readonly branch: string | undefined;
  /**
   * SHA of the branch, tag (the tag object of an annotated one), HEAD or commit. Absent: a commit
   * that no ref names.
   */
  readonly sha: string | undefined;
  /** SHAs that the remote named just now. */
  readonly advertised: ReadonlySet<string>;
  /** Branches and tags by their full names. */
  readonly refs: ReadonlyMap<string, string>;
  /** False: the remote was not asked for its refs. */
  readonly isListed: boolean;

  /** @throws GitError `ref_not_found` */
  constructor(
    private readonly clone: ValidClone,
    private readonly remote: RemoteRefs,
  ) {
    this.isListed = remote !== UNLISTED;
    const { branch, tag, commit } = clone;
    const { head } = remote;
    this.advertised = new Set([...remote.refs.values(), ...(head ? [head.sha] : [])]);
    // The remote says what they are called, so a name is checked before it becomes one of ours.
    this.refs = new Map([...remote.refs].filter(([name]) => isBranchOrTag(name)));
    if (commit !== undefined) {
      const found = [...this.advertised].filter((sha) => sha.startsWith(commit));
      this.sha = found.length === 1 ? found[0] : undefined;
      return;
    }
    const ref = refNamed(branch, tag);
    this.sha = ref === undefined ? head?.sha : remote.refs.get(ref);
    if (this.sha === undefined) {
      throw ref === undefined ? emptyRepository() : refNotFound(described(branch, tag));
    }
    this.branch = tag === undefined ? (branch ?? head?.branch) : undefined;
  }

  /** All that there is: branches, tags and HEAD. */
  all(): readonly string[] {
    const { head } = this.remote;
    return [...new Set([...this.refs.values(), ...(head ? [head.sha] : [])])];
  }

  tags(): readonly string[] {
    return [...new Set(this.namesAndTags().map(([, sha]) => sha))];
  }

  /** Name of the mirror of all that there is. */
  allScope(): string {
    const listed = [...this.refs].map((pair) => pair.join(' ')).sort();
    const head = this.remote.head?.sha ?? '';
    const digest = createHash('sha256').update([head, ...listed].join('\n'));
    return `all-${digest.digest('hex').slice(0, 40)}`;
  }

  /** The refs that a clone has, as `git clone` names them. */
  written(whole: boolean): ReadonlyMap<string, string> {
    const { tag, commit, tags = whole } = this.clone;
    const written = new Map<string, string>(tags ? this.namesAndTags() : []);
    if (whole) {
      for (const [name, sha] of this.refs) {
        if (name.startsWith(HEADS)) written.set(remoteName(name), sha);
      }
    }
    if (commit !== undefined || this.sha === undefined) return written;
    if (tag !== undefined) written.set(`${TAGS}${tag}`, this.sha);
    else if (this.branch !== undefined) written.set(remoteName(HEADS + this.branch), this.sha);
    return written;
  }

  /** Where `origin/HEAD` leads. */
  remoteHead(written: ReadonlyMap<string, string>): string | undefined {
    const { branch } = this.remote.head ?? {};
    const name = branch === undefined ? undefined : remoteName(HEADS + branch);
    return name !== undefined && written.has(name) ? name : undefined;
  }

  private namesAndTags(): readonly (readonly [name: string, sha: string])[] {
    return [...this.refs].filter(([name]) => name.startsWith(TAGS));
  }
}

const HEADS = 'refs/heads/';
const TAGS = 'refs/tags/';

function isBranchOrTag(name: string): boolean {
  return [HEADS, TAGS].some(
    (start) => name.startsWith(start) && isRefName(name.slice(start.length)),
  );
}

function remoteName(ref: string): string {
  return `refs/remotes/origin/${ref.slice(HEADS.length)}`;
}

/** What was fetched into a `.git`. */
interface Fetched {
  /** Of the commit, or of a tag that leads to it. */
  readonly sha: string;
  readonly whole: boolean;
}

class PlainClone {
  constructor(
    protected readonly driver: CloneDriver,
    protected readonly tools: CloneTools,
    protected readonly wanted: Wanted,
  ) {}

  async run(): Promise<Cloned & CheckedOut> {
    const { directory } = this.tools.clone;
    return this.complete(directory, await this.fetch(directory));
  }

  /**
   * The part of the history that is asked for; all of it where that is asked for, or the remote
   * gives a commit not alone.
   */
  protected async fetch(directory: string): Promise<Fetched> {
    const { clone, progress } = this.tools;
    const sha = this.known();
    if (clone.depth !== 0 && sha !== undefined) {
      await this.make(directory);
      if (await this.fetchWants(directory, [sha])) return { sha, whole: false };
      if (clone.commit === undefined) throw refsChanged();
      await this.discard(directory);
    }
    if (!this.wanted.isListed) throw new NotGivenAloneError();
    if (clone.depth !== 0) {
      progress('The remote does not give this commit alone: fetching all of the history');
    }
    await this.fetchAll(directory);
    return { sha: await this.findAmongAll(directory), whole: true };
  }

  protected async fetchAll(directory: string): Promise<void> {
    const wants = this.wanted.all();
    await this.make(directory);
    if (wants.length === 0) return;
    const request = { wants, depth: 0, seeds: [], prove: false };
    if (!(await this.driver.fetch(directory, request))) throw refsChanged();
  }

  /** The commit may be one that no branch has any more: the remote is asked for it by its SHA. */
  protected async findAmongAll(directory: string): Promise<string> {
    const { commit } = this.tools.clone;
    if (commit === undefined) return this.wanted.sha ?? '';
    const found = await this.driver.findCommit(directory, commit);
    if (found !== undefined) return found;
    if (commit.length === 40) {
      const request = { wants: [commit], depth: 0, seeds: this.wanted.all(), prove: true };
      if (await this.driver.fetch(directory, request)) return commit;
    }
    throw refNotFound(`commit ${commit}`);
  }

  /** Tags, names, HEAD and files; `.git` lies in `directory` and moves to the clone. */
  protected async complete(directory: string, fetched: Fetched): Promise<Cloned & CheckedOut> {
    const { clone } = this.tools;
    if (clone.tags && !fetched.whole) await this.fetchTags(directory, fetched.sha);
    // A tag's object leads to a commit; the SHA of a commit is known.
    const tagged =
      clone.tag === undefined ? undefined : await this.commitAt(directory, fetched.sha);
    const gitdir = join(directory, '.git');
    const { branch } = this.wanted;
    const head: Head = { commit: tagged?.sha ?? fetched.sha, branch };
    const written = this.wanted.written(fetched.whole);
    await writeRefs(gitdir, written, this.wanted.remoteHead(written));
    await writeHead(gitdir, clone.url, head);
    // Before it moves: a step that runs beside the clone could put another `.git` there, with a
    // configuration of its own.
    const [commit, checkedOut] = await whenBothEnd(
      tagged ? Promise.resolve(tagged) : this.commitAt(directory, fetched.sha),
      this.driver.checkout(directory, clone.directory),
    );
    await this.settled();
    if (directory !== clone.directory) await moveFolder(gitdir, join(clone.directory, '.git'));
    return { ...commit, ...(branch !== undefined && { branch }), ...checkedOut };
  }

  /** Resolves when nothing but the checkout works in the `.git` any more. */
  protected settled(): Promise<void> {
    return Promise.resolve();
  }

  protected async fetchWants(
    directory: string,
    wants: readonly string[],
    more: Partial<FetchRequest> = {},
  ): Promise<boolean> {
    const { depth } = this.tools.clone;
    return this.driver.fetch(directory, { wants, depth, seeds: [], prove: false, ...more });
  }

  /** What can be asked for by its SHA. */
  protected known(): string | undefined {
    const { commit } = this.tools.clone;
    return this.wanted.sha ?? (commit?.length === 40 ? commit : undefined);
  }

  protected make(directory: string): Promise<void> {
    return makeGitDirectory(join(directory, '.git'), this.tools.clone.url);
  }

  protected discard(directory: string): Promise<void> {
    return rm(join(directory, '.git'), { recursive: true, force: true });
  }

  /**
   * Tags of a part of the history are in no mirror, so what the remote removed is not seen again.
   */
  private async fetchTags(directory: string, sha: string): Promise<void> {
    const wants = this.wanted.tags();
    if (wants.length === 0) return;
    if (!(await this.fetchWants(directory, wants, { seeds: [sha] }))) throw refsChanged();
  }

  private async commitAt(directory: string, sha: string): Promise<ClonedCommit> {
    const asked = this.tools.clone.commit;
    const commit = await this.driver.readCommit(directory, sha);
    if (!commit && asked === undefined) {
      throw new GitError('failed', 'What was fetched is not a commit.', false);
    }
    // What was named as a commit may be the object of a tag.
    if (!commit || (asked !== undefined && commit.sha !== sha))
      throw refNotFound(`commit ${asked}`);
    return commit;
  }
}

class MirroredClone extends PlainClone {
  private readonly used: MirrorEntry[] = [];
  private diskFull = false;
  /** An entry is made while the checkout reads the same packs. */
  private publishing: Promise<void> = Promise.resolve();

  constructor(
    driver: CloneDriver,
    tools: CloneTools,
    wanted: Wanted,
    private readonly mirrors: GitMirrorStore,
  ) {
    super(driver, tools, wanted);
  }

  override async run(): Promise<Cloned & CheckedOut> {
    const stage = await this.mirrors.stage();
    try {
      return await this.complete(stage, await this.fetch(stage));
    } finally {
      await Promise.allSettled([this.publishing]);
      await this.mirrors.discard(stage);
    }
  }

  protected override settled(): Promise<void> {
    return this.publishing;
  }

  /** What is to blame: an entry that was used, or that mirrors are kept at all. */
  blame(error: unknown): 'none' | 'entry' | 'mirrors' {
    const ofFiles = !(error instanceof GitError) && (error as { syscall?: unknown }).syscall;
    const { code } = (ofFiles ? error : this.driver.failure(error)) as { readonly code?: unknown };
    this.diskFull = code === 'ENOSPC' || code === 'EDQUOT' || code === 'too_large';
    if (this.diskFull || ofFiles) return 'mirrors';
    // A remote that says no says so without a mirror as well.
    return this.used.length > 0 && !OF_THE_REMOTE.has(code) ? 'entry' : 'none';
  }

  async throwAway(): Promise<void> {
    try {
      for (const entry of this.used) await this.mirrors.drop(entry);
      if (this.diskFull) await this.mirrors.evict(0);
    } catch {
      // A folder that cannot be written: the clone does not need it.
    }
  }

  protected override async fetch(stage: string): Promise<Fetched> {
    const { depth } = this.tools.clone;
    const sha = this.known();
    if (depth === 0 || sha === undefined) return super.fetch(stage);
    const given = await this.wasGiven(sha);
    const proven = given || this.wanted.advertised.has(sha);
    const scope = `${sha}-${depth}`;
    const ref = this.wanted.branch === undefined ? undefined : `${HEADS}${this.wanted.branch}`;
    const need = { scope, depth, tips: [sha], ref, proven };
    const outcome = await this.throughMirror(stage, need, () => this.fetchFresh(stage, sha));
    if (outcome === 'fetched' && !given) {
      await this.mirrors.noteGiven(this.tools.clone, sha);
    }
    return outcome === 'refused' ? super.fetch(stage) : { sha, whole: false };
  }

  /** Whether the remote gave this commit just now, to who asks again. */
  private async wasGiven(sha: string): Promise<boolean> {
    return !this.wanted.isListed && this.mirrors.wasGiven(this.tools.clone, sha);
  }

  /** A commit that is not given alone is found among all. */
  private async fetchFresh(stage: string, sha: string): Promise<'fetched' | 'refused'> {
    await this.make(stage);
    if (await this.fetchWants(stage, [sha])) return 'fetched';
    await this.discard(stage);
    if (this.tools.clone.commit === undefined) throw refsChanged();
    return 'refused';
  }

  protected override async fetchAll(stage: string): Promise<void> {
    const tips = this.wanted.all();
    if (tips.length === 0) return super.fetchAll(stage);
    const need = { scope: this.wanted.allScope(), depth: 0, tips, ref: ALL, proven: true };
    await this.throughMirror(stage, need, async () => {
      await super.fetchAll(stage);
      return 'fetched';
    });
  }

  private async throughMirror(
    stage: string,
    need: Need,
    fetchFresh: () => Promise<'fetched' | 'refused'>,
  ): Promise<'fetched' | 'refused'> {
    const { clone, signal, progress } = this.tools;
    if (await this.fromMirror(stage, need)) return 'fetched';
    // Only the first one fetches; who waited for it finds what it made.
    const waiting = { signal, progress, stage };
    const endTurn = await this.mirrors.turn(clone.url, MAX_TURN_MS, waiting);
    let isPublishing = false;
    try {
      if (await this.fromMirror(stage, need)) return 'fetched';
      if ((await fetchFresh()) === 'refused') return 'refused';
      isPublishing = true;
      this.publishing = this.publish(stage, need).finally(endTurn);
      // Whoever waits for it hears of its failure; until then it is nobody's.
      this.publishing.catch(() => undefined);
      return 'fetched';
    } finally {
      if (!isPublishing) await endTurn();
    }
  }

  private async fromMirror(stage: string, need: Need): Promise<boolean> {
    const { clone, progress } = this.tools;
    // Mostly it is there, and the others are not looked at.
    const exact = await this.mirrors.entry(clone.url, need.scope);
    const entries = exact ? [exact] : await this.mirrors.entries(clone.url, progress);
    for (const entry of this.choices(entries, need)) {
      try {
        if (await this.tryEntry(stage, entry, need)) return true;
      } catch (error) {
        if (!(error instanceof BrokenMirrorError)) throw error;
        progress(
          `The local mirror of this repository is damaged (${error.message}): it is made again`,
        );
        await this.mirrors.drop(entry);
      }
      await this.discard(stage);
    }
    return false;
  }

  /** The very thing that is needed, and what it can be made of. */
  private choices(entries: readonly MirrorEntry[], need: Need): readonly MirrorEntry[] {
    const exact = entries.filter(({ record }) => record.scope === need.scope);
    if (exact.length > 0 || need.ref === undefined) return exact;
    if (need.depth !== 0 && !this.driver.incremental) return [];
    const base = entries.find(
      ({ record }) => record.ref === need.ref && record.depth === need.depth,
    );
    if (!base || base.record.files.length >= 2 * MAX_PACKS) return [];
    // Of a part of the history something is to be dropped each time: what is small comes sooner.
    const bytes = base.record.files.reduce((sum, file) => sum + file.bytes, 0);
    return need.depth !== 0 && bytes < MIN_BASE_BYTES ? [] : [base];
  }

  private async tryEntry(stage: string, entry: MirrorEntry, need: Need): Promise<boolean> {
    const { scope, tips: seeds } = entry.record;
    this.used.push(entry);
    await this.make(stage);
    await this.mirrors.take(entry, join(stage, '.git'));
    if (scope === need.scope) {
      // What no ref names is asked for every time: it is given as long as the remote gives it.
      if (need.proven) return true;
      return this.driver.incremental && this.fetchNeed(stage, need, seeds, true);
    }
    if (!(await this.fetchNeed(stage, need, seeds, false))) return false;
    if (!(await this.driver.dropUnreachable(stage, need.tips, seeds))) return false;
    await this.publish(stage, need);
    return true;
  }

  private fetchNeed(
    stage: string,
    { tips: wants, depth }: Need,
    seeds: readonly string[],
    prove: boolean,
  ): Promise<boolean> {
    return this.driver.fetch(stage, { wants, depth, seeds, prove });
  }

  private publish(stage: string, { scope, depth, tips, ref }: Need): Promise<void> {
    const record = { scope, depth, tips, ref };
    return this.mirrors.publish(this.tools.clone.url, join(stage, '.git'), record);
  }
}

/**
 * What a clone needs of a mirror; an entry of the same `ref` and depth is what it can be made of.
 */
interface Need {
  readonly scope: string;
  readonly depth: number;
  readonly tips: readonly string[];
  readonly ref: string | undefined;
  /** The remote named all of the tips just now. */
  readonly proven: boolean;
}

const ALL = 'all';

const OF_THE_REMOTE: ReadonlySet<unknown> = new Set([
  'aborted',
  'timeout',
  'invalid_request',
  'authentication_failed',
  'repository_not_found',
  'unreachable',
  'address_refused',
]);

async function moveFolder(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    await cp(from, to, { recursive: true, errorOnExist: true, force: false });
  }
}
