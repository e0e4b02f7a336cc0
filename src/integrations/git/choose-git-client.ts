import { ConfigError } from '../../config/config-error.js';
import { type ExtraAuthorities, readAuthorities, writeBundle } from './extra-authorities.js';
import type { GitClient } from './git-client.js';
import type { GitMirrorSettings } from './git-mirror-store.js';
import { detectGitProgram, MINIMUM_GIT_VERSION } from './git-program.js';
import { GitProgramClient, type GitProgramClientOptions } from './git-program-client.js';
import { IsomorphicGitClient, type IsomorphicGitClientOptions } from './isomorphic-git-client.js';

/**
 * `auto` is the git program where a usable version is installed, else isomorphic-git, which is
 * always there.
 */
export type GitClientSetting = 'auto' | 'isomorphic-git' | 'git';

/**
 * Makes the client that the configuration names.
 * @throws ConfigError when it names `git` and no program of a usable version is installed, or
 * a file of CAs that is of no use
 */
export async function chooseGitClient(
  setting: GitClientSetting,
  /** See `AddressPolicy`. */
  allowPrivateUrls: readonly string[],
  options: {
    /** Absent: every clone fetches everything. */
    readonly mirrors?: GitMirrorSettings;
    /** Absent: public CAs only. */
    readonly authorities?: ExtraAuthorities;
    readonly isomorphicGit?: IsomorphicGitClientOptions;
    readonly git?: GitProgramClientOptions;
  } = {},
): Promise<GitClient> {
  const { authorities, mirrors } = options;
  const shared = { allowPrivateUrls, mirrors };
  const program =
    setting === 'isomorphic-git' ? undefined : await detectGitProgram(options.git?.program);
  if (program) {
    const environment = authorities && { GIT_SSL_CAINFO: await writeBundle(authorities) };
    return new GitProgramClient({ ...shared, environment, ...options.git });
  }
  if (setting === 'git') throw gitMissing();
  // Node adds them to those that it has by itself; a file that it cannot use it would pass over.
  if (authorities) await readAuthorities(authorities.file);
  const environment = authorities && { NODE_EXTRA_CA_CERTS: authorities.file };
  return new IsomorphicGitClient({ ...shared, environment, ...options.isomorphicGit });
}

function gitMissing(): ConfigError {
  const message =
    `is git, but no git program of version ${MINIMUM_GIT_VERSION} or newer was found: ` +
    'install it (apt-get install git), or set it to isomorphic-git';
  return new ConfigError([{ name: 'GIT_CLIENT', message }]);
}
