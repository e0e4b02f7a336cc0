import type { AddressPolicy } from '../../common/net/address-policy.js';
import { shownSize } from '../../common/values/shown-size.js';
import { CheckedResolver } from '../../common/net/checked-addresses.js';
import { HTTP_SCHEMES, type ValidClone } from './clone-request.js';
import { cloneTree, type OpenedDriver } from './clone-tree.js';
import type { Cloned } from './git-client.js';
import { type GitMirrorSettings, GitMirrorStore } from './git-mirror-store.js';
import { IsomorphicGitDriver } from './isomorphic-git-driver.js';
import { GitHttpClient } from './isomorphic-git-http.js';
import { ChildProgress } from './progress-lines.js';

/** Runs inside the child process: it may block, and be killed at any time. */
export async function cloneWithIsomorphicGit(
  clone: ValidClone,
  settings: { readonly policy: AddressPolicy; readonly mirrors?: GitMirrorSettings },
  progress: (line: string) => void,
): Promise<Cloned> {
  const resolver = new CheckedResolver(settings.policy);
  const lines = new ChildProgress(progress);
  const { mirrors } = settings;
  const open = (one: ValidClone): Promise<OpenedDriver> => {
    const http = new GitHttpClient(new URL(one.url).origin, resolver, {
      onPackBytes: (bytes) => lines.update(`Receiving objects: ${shownSize(bytes)}`),
    });
    const driver = new IsomorphicGitDriver(one, http, lines);
    const close = (): Promise<void> => Promise.resolve(http.close());
    return Promise.resolve({ driver, failure: http.failure, close });
  };
  const store = mirrors && new GitMirrorStore(mirrors);
  const tools = { open, schemes: HTTP_SCHEMES, progress, mirrors: store };
  return cloneTree(clone, tools);
}
