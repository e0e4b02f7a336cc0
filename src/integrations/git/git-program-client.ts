import { AddressPolicy } from '../../common/net/address-policy.js';
import { CheckedResolver, type ResolveHost } from '../../common/net/checked-addresses.js';
import {
  type CloneOptions,
  type CloneSession,
  DEFAULT_CLONE_TIMEOUT_MS,
  runCloneSession,
} from './clone-session.js';
import { GitClient, type Cloned, type CloneRequest } from './git-client.js';
import { type GitMirrorSettings, GitMirrorStore } from './git-mirror-store.js';
import { GitProgramDriver } from './git-program-driver.js';
import { openRoute } from './git-route.js';
import { cloneRepository } from './mirrored-clone.js';

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
  /** Absent: every clone fetches everything. */
  readonly mirrors?: GitMirrorSettings;
}

const DEFAULT_MAX_MEMORY = 2 ** 30;

/**
 * Clones with the `git` program. Allows https, http and ssh (keys of the user that Millrace runs
 * as).
 *
 * Symbolic links are written as they are in the tree, also when they lead outside; git never writes
 * through one. Attributes of the tree (`eol`, `ident`) apply; filters (LFS) and submodules do not.
 */
export class GitProgramClient extends GitClient {
  readonly name = 'git';
  private readonly mirrors: GitMirrorStore | undefined;

  constructor(private readonly settings: GitProgramClientOptions = {}) {
    super();
    this.mirrors = settings.mirrors && new GitMirrorStore(settings.mirrors);
  }

  clone(request: CloneRequest, options: CloneOptions): Promise<Cloned> {
    const limits = {
      schemes: ['https', 'http', 'ssh'],
      timeoutMs: this.settings.timeoutMs ?? DEFAULT_CLONE_TIMEOUT_MS,
      minFreeDisk: this.settings.minFreeDisk,
    } as const;
    return runCloneSession(request, options, limits, (session) => this.cloneWith(session));
  }

  /** Nothing waits between two clones. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  private async cloneWith(session: CloneSession): Promise<Cloned> {
    const { program = 'git', environment = {}, allowPrivateUrls = [], resolve } = this.settings;
    const { maxMemoryBytes = DEFAULT_MAX_MEMORY } = this.settings;
    const resolver = new CheckedResolver(new AddressPolicy(allowPrivateUrls), resolve);
    const { clone, signal, progress } = session;
    const route = await openRoute(clone, resolver);
    try {
      const driver = new GitProgramDriver(session, route, { program, environment, maxMemoryBytes });
      return await cloneRepository(driver, {
        clone,
        signal,
        progress: (line) => progress.write(line),
        mirrors: this.mirrors,
      });
    } finally {
      await route.close();
    }
  }
}
