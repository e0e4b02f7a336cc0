import type { ValidClone } from './clone-request.js';
import type { Cloned, GitErrorCode } from './git-client.js';
import type { GitMirrorSettings } from './git-mirror-store.js';

/** What goes to the child process, over its IPC channel: one clone at a time. */
export interface CloneMessage {
  readonly type: 'clone';
  /** Stands in every answer to it. */
  readonly id: number;
  readonly clone: ValidClone;
  readonly mirrors?: GitMirrorSettings;
  /** See `AddressPolicy`. */
  readonly allowPrivateUrls: readonly string[];
}

/**
 * What comes back: any number of `progress`, then one `done` or `failed`. Something that fails
 * late, in a clone that was answered already, comes with the id of that one.
 */
export type ChildMessage = { readonly id: number } & ChildAnswer;

type ChildAnswer =
  | { readonly type: 'progress'; readonly line: string }
  | { readonly type: 'done'; readonly commit: Cloned }
  | {
      readonly type: 'failed';
      readonly code: GitErrorCode;
      readonly message: string;
      readonly retryable: boolean;
    };
