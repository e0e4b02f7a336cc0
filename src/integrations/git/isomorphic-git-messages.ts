import type { ValidClone } from './clone-request.js';
import type { ClonedCommit, GitErrorCode } from './git-client.js';

/** What goes to the child process, over its IPC channel: one clone at a time. */
export interface CloneMessage {
  readonly type: 'clone';
  readonly clone: ValidClone;
  /** See `AddressPolicy`. */
  readonly allowPrivateUrls: readonly string[];
}

/** What comes back: any number of `progress`, then one `done` or `failed`. */
export type ChildMessage =
  | { readonly type: 'progress'; readonly line: string }
  | { readonly type: 'done'; readonly commit: ClonedCommit }
  | {
      readonly type: 'failed';
      readonly code: GitErrorCode;
      readonly message: string;
      readonly retryable: boolean;
    };
