import { type GitClient, GitError } from './git-client.js';
import type { GitMirrorSettings } from './git-mirror-store.js';
import { detectGitProgram, MINIMUM_GIT_VERSION } from './git-program.js';
import { GitProgramClient, type GitProgramClientOptions } from './git-program-client.js';
import { IsomorphicGitClient, type IsomorphicGitClientOptions } from './isomorphic-git-client.js';

/** `auto` is isomorphic-git, which is always there. */
export type GitClientSetting = 'auto' | 'isomorphic-git' | 'git';

/**
 * Makes the client that the configuration names.
 * @throws GitError `failed` when it names `git` and no program of a usable version is installed
 */
export async function chooseGitClient(
  setting: GitClientSetting,
  /** See `AddressPolicy`. */
  allowPrivateUrls: readonly string[],
  options: {
    /** Absent: every clone fetches everything. */
    readonly mirrors?: GitMirrorSettings;
    readonly isomorphicGit?: IsomorphicGitClientOptions;
    readonly git?: GitProgramClientOptions;
  } = {},
): Promise<GitClient> {
  const shared = { allowPrivateUrls, mirrors: options.mirrors };
  if (setting !== 'git') return new IsomorphicGitClient({ ...shared, ...options.isomorphicGit });
  const program = await detectGitProgram(options.git?.program);
  if (!program) {
    throw new GitError(
      'failed',
      `The git program is configured but version ${MINIMUM_GIT_VERSION} or newer was not found. ` +
        'Install it (apt-get install git), or configure isomorphic-git.',
      false,
    );
  }
  return new GitProgramClient({ ...shared, ...options.git });
}
