import { readdir, rename, rm, cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { CloneDriver, Fetched, RemoteAnswer } from './clone-driver.js';
import type { ValidClone } from './clone-request.js';
import { type Cloned, type ClonedCommit, GitError } from './git-client.js';
import { type Head, makeGitDirectory, writeHead } from './git-directory.js';
import { refNotFound } from './git-failures.js';
import type { MirrorEntry } from './git-mirror-entry.js';
import { BrokenMirrorError, type GitMirrorStore } from './git-mirror-store.js';

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

/**
 * Clones, through a mirror where there is one. A mirror never decides anything: the remote is asked
 * first, with the credentials of this clone, and an object is taken from a mirror only where the
 * remote just named the commit it belongs to, or accepted to send it. Whatever goes wrong with a
 * mirror ends in a clone without one.
 */
export async function cloneRepository(driver: CloneDriver, tools: CloneTools): Promise<Cloned> {
  const { mirrors, signal, progress, clone } = tools;
  if (!mirrors) return clonePlainly(driver, tools);
  const attempt = new MirroredClone(driver, tools, mirrors);
  try {
    return await attempt.run();
  } catch (error) {
    if (signal?.aborted || !attempt.mayBeToBlame(error)) throw error;
    progress('The local mirror of this repository could not be used: cloning without it');
    await attempt.throwAway();
    const names = await readdir(clone.directory);
    await Promise.all(
      names.map((name) => rm(join(clone.directory, name), { recursive: true, force: true })),
    );
    return clonePlainly(driver, tools);
  }
}

async function clonePlainly(driver: CloneDriver, { clone }: CloneTools): Promise<Cloned> {
  const answer = await driver.ask();
  const { head } = await fetchFresh(driver, clone, clone.directory, answer);
  if (clone.depth === 0) await driver.fetchTags(clone.directory, head);
  await finish(join(clone.directory, '.git'), clone, head);
  return cloned(await driver.checkout(clone.directory, clone.directory), head);
}

async function finish(gitdir: string, clone: ValidClone, head: Head): Promise<void> {
  await rm(join(gitdir, 'refs', 'millrace'), { recursive: true, force: true });
  await writeHead(gitdir, clone.url, head);
}

function cloned(commit: ClonedCommit, { branch }: Head): Cloned {
  return branch === undefined ? commit : { ...commit, branch };
}

type Whole = Extract<Fetched, { kind: 'fetched' }>;

async function fetchFresh(
  driver: CloneDriver,
  clone: ValidClone,
  directory: string,
  answer: RemoteAnswer,
): Promise<Whole> {
  const gitdir = join(directory, '.git');
  if (answer.sha !== undefined || clone.commit?.length === 40) {
    await makeGitDirectory(gitdir, clone.url);
    const fetched = await driver.fetch(directory, answer);
    if (fetched.kind === 'fetched') return fetched;
    await rm(gitdir, { recursive: true, force: true });
  }
  await makeGitDirectory(gitdir, clone.url);
  const fetched = await driver.fetchAll(directory, answer);
  if (fetched.kind === 'fetched') return fetched;
  throw refNotFound(`commit ${clone.commit ?? ''}`);
}

class MirroredClone {
  private readonly used: MirrorEntry[] = [];
  private answered = false;
  private diskFull = false;

  constructor(
    private readonly driver: CloneDriver,
    private readonly tools: CloneTools,
    private readonly mirrors: GitMirrorStore,
  ) {}

  async run(): Promise<Cloned> {
    const { clone } = this.tools;
    const answer = await this.driver.ask();
    this.answered = true;
    const stage = await this.mirrors.stage();
    try {
      const head = (await this.fromMirror(stage, answer)) ?? (await this.inTurn(stage, answer));
      if (clone.depth === 0) await this.driver.fetchTags(stage, head);
      const gitdir = join(stage, '.git');
      await finish(gitdir, clone, head);
      // Before it moves: a step that runs beside the clone could put another `.git` there, with a
      // configuration of its own.
      const commit = await this.driver.checkout(stage, clone.directory);
      await moveFolder(gitdir, join(clone.directory, '.git'));
      return cloned(commit, head);
    } finally {
      await this.mirrors.discard(stage);
    }
  }

  /** A remote that says no says so without a mirror as well. */
  mayBeToBlame(error: unknown): boolean {
    const { code } = error as { readonly code?: unknown };
    this.diskFull = code === 'ENOSPC' || code === 'EDQUOT' || code === 'too_large';
    if (!(error instanceof GitError)) return true;
    if (!this.answered) return false;
    if (this.diskFull) return true;
    return this.used.length > 0 && !OF_THE_REMOTE.has(error.code);
  }

  async throwAway(): Promise<void> {
    try {
      for (const entry of this.used) await this.mirrors.drop(entry);
      if (this.diskFull) await this.mirrors.evict(0);
    } catch {
      // A folder that cannot be written: the clone does not need it.
    }
  }

  /** Only the first one fetches; who waited for it finds what it made. */
  private async inTurn(stage: string, answer: RemoteAnswer): Promise<Head> {
    const { clone, signal } = this.tools;
    const endTurn = await this.mirrors.turn(clone.url, MAX_TURN_MS, signal);
    try {
      const head = await this.fromMirror(stage, answer);
      if (head) return head;
      const fetched = await fetchFresh(this.driver, clone, stage, answer);
      await this.publish(stage, answer, fetched, [fetched.sha]);
      return fetched.head;
    } finally {
      await endTurn();
    }
  }

  private async fromMirror(stage: string, answer: RemoteAnswer): Promise<Head | undefined> {
    for (const choice of this.choices(await this.mirrors.entries(this.tools.clone.url), answer)) {
      const head = await this.tryEntry(stage, answer, choice).catch(async (error: unknown) => {
        if (!(error instanceof BrokenMirrorError)) throw error;
        this.tools.progress('A part of the local mirror is broken: it is made again');
        await this.mirrors.drop(choice.entry);
        return undefined;
      });
      if (head) return head;
      await rm(join(stage, '.git'), { recursive: true, force: true });
    }
    return undefined;
  }

  private choices(entries: readonly MirrorEntry[], answer: RemoteAnswer): readonly Choice[] {
    const { clone } = this.tools;
    const sha = answer.sha ?? (clone.commit?.length === 40 ? clone.commit : undefined);
    const named = (scope: string): MirrorEntry | undefined =>
      entries.find(({ record }) => record.scope === scope);
    const exact = sha === undefined ? undefined : named(scopeOf(sha, clone.depth));
    const choices: Choice[] = [];
    if (exact) {
      const proven = exact.record.tips.every((tip) => answer.advertised.has(tip));
      choices.push({ entry: exact, use: proven ? 'as-it-is' : 'as-base' });
    }
    const whole = answer.sha === undefined && named(allScope(answer));
    if (whole) choices.push({ entry: whole, use: 'all' });
    const ref = refOf(clone, answer);
    // Between 1 and all, the depth of an increment would be another one.
    if (!exact && ref !== undefined && clone.depth <= 1) {
      const base = entries.find(
        ({ record }) =>
          record.ref === ref && record.depth === clone.depth && record.files.length < 2 * MAX_PACKS,
      );
      if (base) choices.push({ entry: base, use: 'as-base' });
    }
    return choices;
  }

  private async tryEntry(
    stage: string,
    answer: RemoteAnswer,
    { entry, use }: Choice,
  ): Promise<Head | undefined> {
    const { clone } = this.tools;
    this.used.push(entry);
    const gitdir = join(stage, '.git');
    await makeGitDirectory(gitdir, clone.url);
    await this.mirrors.take(entry, gitdir);
    if (use !== 'as-base') return this.driver.adopt(stage, answer, use === 'all');
    const { tips } = entry.record;
    // All of the history tells by itself what is still reachable; a part of it does not, so the
    // remote is asked.
    const prove = clone.depth !== 0 || answer.sha === undefined;
    const fetched = await this.driver.fetch(stage, answer, { tips, prove });
    if (fetched.kind === 'refused') return undefined;
    if (!prove) {
      const given = await this.driver.isAncestor(stage, fetched.head.commit, tips);
      if (!given) return undefined;
    }
    const all = [...new Set([fetched.sha, ...(prove ? tips : [])])];
    await this.publish(stage, answer, fetched, all);
    return fetched.head;
  }

  private async publish(
    stage: string,
    answer: RemoteAnswer,
    { sha, all }: Whole,
    tips: readonly string[],
  ): Promise<void> {
    const { clone } = this.tools;
    await this.mirrors.publish(clone.url, join(stage, '.git'), {
      scope: all ? allScope(answer) : scopeOf(sha, clone.depth),
      depth: all ? 0 : clone.depth,
      tips,
      ref: all ? undefined : refOf(clone, answer),
    });
  }
}

interface Choice {
  readonly entry: MirrorEntry;
  /** `as-base`: the remote is asked for what is new since. */
  readonly use: 'as-it-is' | 'as-base' | 'all';
}

const OF_THE_REMOTE: ReadonlySet<string> = new Set([
  'aborted',
  'timeout',
  'invalid_request',
  'authentication_failed',
  'repository_not_found',
  'unreachable',
  'address_refused',
]);

function scopeOf(sha: string, depth: number): string {
  return `${sha}-${depth}`;
}

function allScope(answer: RemoteAnswer): string {
  return `all-${answer.refsDigest ?? ''}`;
}

/** An entry is the base of later commits of the same branch only. */
function refOf(clone: ValidClone, answer: RemoteAnswer): string | undefined {
  const branch = clone.commit === undefined ? answer.branch : clone.branch;
  return branch === undefined ? undefined : `refs/heads/${branch}`;
}

async function moveFolder(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    await cp(from, to, { recursive: true, errorOnExist: true, force: false });
  }
}
