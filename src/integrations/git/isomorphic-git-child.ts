/**
 * Entry of the child process in which isomorphic-git runs. It gets one clone at a time over its IPC
 * channel, answers there, and ends when the channel does. It reads no environment and no arguments.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { AddressPolicy } from '../../common/net/address-policy.js';
import { cloneWithIsomorphicGit } from './isomorphic-git-clone.js';
import { isomorphicGitFailure } from './isomorphic-git-failure.js';
import { MAX_LINES } from './progress-lines.js';
import type { ChildMessage, CloneMessage } from './isomorphic-git-messages.js';

/** The id of the clone that a promise belongs to, also of one that nobody waits for any more. */
const cloneIds = new AsyncLocalStorage<number>();

function tell(message: ChildMessage): void {
  process.send?.(message, undefined, undefined, () => undefined);
}

function fail(id: number, error: unknown): void {
  const { code, message, retryable } = isomorphicGitFailure(error);
  tell({ id, type: 'failed', code, message, retryable });
}

/** Longer than the log takes, so that a credential at the cut is still known. */
const MAX_LINE_LENGTH = 8192;

/**
 * Lines that the server sends are no flood on the channel; one more than the log takes, which shows
 * that there were more.
 */
function limitedProgress(sink: (line: string) => void): (line: string) => void {
  let count = 0;
  return (line) => {
    count += 1;
    if (count <= MAX_LINES + 1) sink(line.slice(0, MAX_LINE_LENGTH));
  };
}

process.on('message', ({ id, clone, mirrors, allowPrivateUrls }: CloneMessage) => {
  const policy = new AddressPolicy(allowPrivateUrls);
  const progress = limitedProgress((line) => tell({ id, type: 'progress', line }));
  cloneIds.run(id, () => {
    cloneWithIsomorphicGit(clone, { policy, mirrors }, progress).then(
      (commit) => tell({ id, type: 'done', commit }),
      (error: unknown) => fail(id, error),
    );
  });
});
process.on('disconnect', () => process.exit(0));
// isomorphic-git leaves promises alone when a stream breaks; the parent ends this process after a
// failure.
process.on('unhandledRejection', (error) => {
  const id = cloneIds.getStore();
  // Of no clone, so none can answer: the end of this process is the answer.
  if (id === undefined) process.exit(1);
  fail(id, error);
});
