/**
 * Entry of the child process in which isomorphic-git runs. It gets one clone at a time over its IPC channel,
 * answers there, and ends when the channel does. It reads no environment and no arguments.
 */
import { AddressPolicy } from '../../common/net/address-policy.js';
import { cloneWithIsomorphicGit } from './isomorphic-git-clone.js';
import { isomorphicGitFailure } from './isomorphic-git-failure.js';
import type { ChildMessage, CloneMessage } from './isomorphic-git-messages.js';

function tell(message: ChildMessage): void {
  process.send?.(message, undefined, undefined, () => undefined);
}

function fail(error: unknown): void {
  const { code, message, retryable } = isomorphicGitFailure(error);
  tell({ type: 'failed', code, message, retryable });
}

process.on('message', (message: CloneMessage) => {
  const policy = new AddressPolicy(message.allowPrivateUrls);
  cloneWithIsomorphicGit(message.clone, policy, (line) => tell({ type: 'progress', line })).then(
    (commit) => tell({ type: 'done', commit }),
    fail,
  );
});
process.on('disconnect', () => process.exit(0));
// isomorphic-git leaves promises alone when a stream breaks; the parent ends this process after a failure.
process.on('unhandledRejection', fail);
