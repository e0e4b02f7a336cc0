import { entryFile } from '../../config/paths.js';
import { HTTP_SCHEMES } from './clone-request.js';
import {
  type CloneOptions,
  type CloneSession,
  DEFAULT_CLONE_TIMEOUT_MS,
  runCloneSession,
} from './clone-session.js';
import { CloneSlots } from './clone-slots.js';
import { GitClient, type Cloned, type CloneRequest, GitError } from './git-client.js';
import type { GitMirrorSettings } from './git-mirror-store.js';
import { type ChildStart, IsomorphicGitProcess } from './isomorphic-git-process.js';

export interface IsomorphicGitClientOptions {
  /** Private addresses that may be reached, as ALLOW_PRIVATE_URLS says. Default none. */
  readonly allowPrivateUrls?: readonly string[];
  /** Default 10 minutes. */
  readonly timeoutMs?: number;
  /** Free disk at which a clone is ended (`too_large`), bytes. Default 256 MiB. */
  readonly minFreeDisk?: number;
  /** V8's heap in the child, MiB. Default 512. */
  readonly maxHeapMib?: number;
  /**
   * Resident memory at which the child is killed (`too_large`), bytes. Default 1 GiB. Watched on
   * Linux only.
   */
  readonly maxRssBytes?: number;
  /**
   * How long a child that has no work stays for the next clone, ms. Default 60,000; 0 = a new child
   * for each clone.
   */
  readonly idleMs?: number;
  /** Clones, each with a child of its own, at one time; more wait for their turn. Default 4. */
  readonly maxChildren?: number;
  /** Absent: every clone fetches everything. */
  readonly mirrors?: GitMirrorSettings;
  /** The child's environment; default none. `NODE_EXTRA_CA_CERTS` may be of use. */
  readonly environment?: Readonly<Record<string, string>>;
  /**
   * The child's entry file. Default: the built one. Tests pass one they transpiled.
   */
  readonly childEntry?: string;
}

const DEFAULT_MAX_RSS = 1024 * 1024 * 1024;
const DEFAULT_MAX_CHILDREN = 4;
/** A child that grew over this is not kept: its memory does not shrink. */
const MAX_IDLE_RSS = 160 * 1024 * 1024;

/**
 * Clones with isomorphic-git, each in a child process with limits for memory and time; https and
 * http only. Credentials reach the child over its pipe. One child is kept warm for the next clone
 * (saves about 0.15 s).
 *
 * Symbolic links are written as they are in the tree, also when they lead outside; nothing is ever
 * written through one. Differences from the git program: no attributes (`eol`, `ident`); names that
 * are not UTF-8 are missing in the index; no proxy.
 */
export class IsomorphicGitClient extends GitClient {
  readonly name = 'isomorphic-git';
  private idle:
    { readonly child: IsomorphicGitProcess; readonly timer: NodeJS.Timeout } | undefined;
  private readonly slots: CloneSlots;
  private closed = false;

  constructor(private readonly settings: IsomorphicGitClientOptions = {}) {
    super();
    this.slots = new CloneSlots(settings.maxChildren ?? DEFAULT_MAX_CHILDREN);
  }

  clone(request: CloneRequest, options: CloneOptions): Promise<Cloned> {
    const limits = {
      schemes: HTTP_SCHEMES,
      timeoutMs: this.settings.timeoutMs ?? DEFAULT_CLONE_TIMEOUT_MS,
      minFreeDisk: this.settings.minFreeDisk,
    } as const;
    return this.slots.run(options, () =>
      runCloneSession(request, options, limits, (session) => this.cloneWith(session)),
    );
  }

  /** It has no partial fetch, and would bring both commits whole. */
  changedPaths(): Promise<never> {
    const message = 'Only the git program can compare commits: install it (apt-get install git).';
    return Promise.reject(new GitError('failed', message, false));
  }

  /** Its child only clones. */
  heads(): Promise<never> {
    const message = 'Only the git program lists branches: install it (apt-get install git).';
    return Promise.reject(new GitError('failed', message, false));
  }

  /** Starts the child of the first clone ahead of time. */
  warmUp(): void {
    if (!this.idle) this.keep(new IsomorphicGitProcess(this.childStart()));
  }

  /** Ends the idle child. Clones that run continue; abort them by their signal. */
  async close(): Promise<void> {
    this.closed = true;
    await this.takeIdle()?.end();
  }

  private async cloneWith({ clone, signal, progress }: CloneSession): Promise<Cloned> {
    const child = this.takeIdle() ?? new IsomorphicGitProcess(this.childStart());
    const commit = await child.run(clone, signal, (line) => progress.write(line));
    if (this.idle || child.residentBytes() > MAX_IDLE_RSS) await child.end();
    else this.keep(child);
    return commit;
  }

  private childStart(): ChildStart {
    const { settings } = this;
    return {
      entry: settings.childEntry ?? entryFile('integrations/git/isomorphic-git-child'),
      environment: settings.environment ?? {},
      allowPrivateUrls: settings.allowPrivateUrls ?? [],
      mirrors: settings.mirrors,
      maxHeapMib: settings.maxHeapMib ?? 512,
      maxRssBytes: settings.maxRssBytes ?? DEFAULT_MAX_RSS,
    };
  }

  private takeIdle(): IsomorphicGitProcess | undefined {
    const idle = this.idle;
    this.idle = undefined;
    clearTimeout(idle?.timer);
    return idle?.child.usable ? idle.child : undefined;
  }

  private keep(child: IsomorphicGitProcess): void {
    const idleMs = this.closed ? 0 : (this.settings.idleMs ?? 60_000);
    const timer = setTimeout(() => {
      this.idle = undefined;
      void child.end();
    }, idleMs).unref();
    this.idle = { child, timer };
  }
}
