import type { AddressPolicy } from '../../common/net/address-policy.js';
import { CheckedResolver } from '../../common/net/checked-addresses.js';
import type { ValidClone } from './clone-request.js';
import type { Cloned } from './git-client.js';
import { type GitMirrorSettings, GitMirrorStore } from './git-mirror-store.js';
import { IsomorphicGitDriver } from './isomorphic-git-driver.js';
import { GitHttpClient } from './isomorphic-git-http.js';
import { cloneRepository } from './mirrored-clone.js';
import { ChildProgress } from './progress-lines.js';

/** Runs inside the child process: it may block, and be killed at any time. */
export async function cloneWithIsomorphicGit(
  clone: ValidClone,
  settings: { readonly policy: AddressPolicy; readonly mirrors?: GitMirrorSettings },
  progress: (line: string) => void,
): Promise<Cloned> {
  const resolver = new CheckedResolver(settings.policy);
  const http = new GitHttpClient(new URL(clone.url).origin, resolver);
  const driver = new IsomorphicGitDriver(clone, http, new ChildProgress(progress));
  const { mirrors } = settings;
  const cloning = cloneRepository(driver, {
    clone,
    progress,
    mirrors: mirrors && new GitMirrorStore(mirrors),
  });
  try {
    return await Promise.race([cloning, http.failure]);
  } finally {
    http.close();
  }
}
