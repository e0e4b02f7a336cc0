import { dirname } from 'node:path';
import { AddressPolicy } from '../../common/net/address-policy.js';
import { CheckedResolver, type ResolveHost } from '../../common/net/checked-addresses.js';
import type { GitScheme, ValidClone } from './clone-request.js';
import {
  type CloneLimits,
  type CloneOptions,
  type CloneSession,
  DEFAULT_CLONE_TIMEOUT_MS,
  runCloneSession,
} from './clone-session.js';
import { cloneTree, type OpenedDriver } from './clone-tree.js';
import {
  type ChangesRequest,
  type Cloned,
  type CloneRequest,
  GitClient,
  GitError,
} from './git-client.js';
import { detectGitLfs } from './git-lfs.js';
import { type GitMirrorSettings, GitMirrorStore } from './git-mirror-store.js';
import { changedPaths } from './git-program-changes.js';
import { GitProgramDriver } from './git-program-driver.js';
import { openRoute } from './git-route.js';

export interface GitProgramClientOptions {
  /** A name on the fixed PATH, or an absolute path. Default `git`. */
  readonly program?: string;
  /** Default 10 minutes. */
  readonly timeoutMs?: number;
  /** Free disk at which a clone is ended (`too_large`), bytes. Default 256 MiB. */
  readonly minFreeDisk?: number;
  /** Private addresses that may be reached, as ALLOW_PRIVATE_URLS says. Default none. */
  readonly allowPrivateUrls?: readonly string[];
  /** Default: that of the machine. */
  readonly resolve?: ResolveHost;
  /** Added to git's otherwise bare environment: `GIT_SSL_CAINFO`, `SSH_AUTH_SOCK`. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What each of git's processes may allocate, bytes. Default 1 GiB. */
  readonly maxMemoryBytes?: number;
  /** Whether git-lfs is installed; default: is looked for. */
  readonly lfs?: boolean;
  /** Absent: every clone fetches everything. */
  readonly mirrors?: GitMirrorSettings;
}

const DEFAULT_MAX_MEMORY = 2 ** 30;
const HEADS = 'refs/heads/';
const SCHEMES: readonly GitScheme[] = ['https', 'http', 'ssh'];

/**
 * Clones with the `git` program. Allows https, http and ssh (with the identity of the
 * request, else the keys of the user that Millrace runs as).
 *
 * Symbolic links are written as they are in the tree, also when they lead outside; git never writes
 * through one. Attributes of the tree (`eol`, `ident`) apply.
 */
export class GitProgramClient extends GitClient {
  readonly name = 'git';
  private readonly mirrors: GitMirrorStore | undefined;
  /** Whether git-lfs is installed. */
  private lfs: Promise<boolean> | undefined;

  constructor(private readonly settings: GitProgramClientOptions = {}) {
    super();
    if (settings.lfs !== undefined) this.lfs = Promise.resolve(settings.lfs);
    this.mirrors = settings.mirrors && new GitMirrorStore(settings.mirrors);
  }

  clone(request: CloneRequest, options: CloneOptions): Promise<Cloned> {
    return runCloneSession(request, options, this.limits(), (session) => this.cloneWith(session));
  }

  changedPaths(
    request: ChangesRequest,
    { signal }: Pick<CloneOptions, 'signal'>,
  ): Promise<readonly string[]> {
    const { url, directory, base, head: commit } = request;
    if (![base, commit].every((sha) => /^[0-9a-f]{40}$/.test(sha))) {
      const message = 'Commits are compared by their whole SHAs.';
      return Promise.reject(new GitError('invalid_request', message, false));
    }
    const options = { signal, progress: () => undefined };
    return runCloneSession({ url, directory, commit }, options, this.limits(), async (session) => {
      const opened = await this.opener(session)(session.clone);
      try {
        return await changedPaths(opened.driver, directory, session.clone.url, request);
      } finally {
        await opened.close();
      }
    });
  }

  heads(
    { url, directory }: Pick<CloneRequest, 'url' | 'directory'>,
    { signal }: Pick<CloneOptions, 'signal'>,
  ): Promise<ReadonlyMap<string, string>> {
    const options = { signal, progress: () => undefined };
    const all = { url, directory, depth: 0 };
    return runCloneSession(all, options, this.limits(), async (session) => {
      const opened = await this.opener(session)(session.clone);
      try {
        const { refs } = await opened.driver.listRefs();
        const branches = [...refs].filter(([name]) => name.startsWith(HEADS));
        return new Map(branches.map(([name, sha]) => [name.slice(HEADS.length), sha]));
      } finally {
        await opened.close();
      }
    });
  }

  async close(): Promise<void> {
    await this.mirrors?.close();
  }

  private limits(): CloneLimits {
    return {
      schemes: SCHEMES,
      timeoutMs: this.settings.timeoutMs ?? DEFAULT_CLONE_TIMEOUT_MS,
      minFreeDisk: this.settings.minFreeDisk,
    };
  }

  private cloneWith(session: CloneSession): Promise<Cloned> {
    const { clone, signal, progress } = session;
    return cloneTree(clone, {
      open: this.opener(session),
      schemes: SCHEMES,
      progress: (line) => progress.write(line),
      mirrors: this.mirrors,
      signal,
    });
  }

  /** Opens the way to a repository, within the limits of a session. */
  private opener(session: CloneSession): (clone: ValidClone) => Promise<OpenedProgram> {
    const { program = 'git', environment = {}, allowPrivateUrls = [], resolve } = this.settings;
    const { maxMemoryBytes = DEFAULT_MAX_MEMORY } = this.settings;
    const resolver = new CheckedResolver(new AddressPolicy(allowPrivateUrls), resolve);
    const hasLfs = (): Promise<boolean> => (this.lfs ??= detectGitLfs());
    return async (clone) => {
      // Whoever made the folder of the clone removes what is left beside it, also after a crash.
      const route = await openRoute(clone, resolver, dirname(session.clone.directory));
      const settings = { program, environment, maxMemoryBytes, resolver, hasLfs };
      const driver = new GitProgramDriver({ ...session, clone }, route, settings);
      return { driver, close: () => route.close() };
    };
  }
}

interface OpenedProgram extends OpenedDriver {
  readonly driver: GitProgramDriver;
}
