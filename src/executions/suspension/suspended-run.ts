import type { Continuation } from '../../engine/runtime/continuation.js';
import type { Keyring } from '../../secrets/encryption/keyring.js';
import { suspensionContext } from '../record/suspension.js';

/** How a run stood when it was suspended: all that its workspace does not hold. */
export interface SuspendedRun extends Continuation {
  /** What was masked until then: the workspace may hold it, whatever value a secret has later. */
  readonly masks: readonly string[];
  /** What names of images have led to; absent: an older version has suspended it. */
  readonly images?: readonly KeptImage[];
}

/** A name of an image, with what it has led to: later runs of the execution use the same one. */
export interface KeptImage {
  /** Platform and whole name. */
  readonly key: string;
  /** `sha256:…` of the registry, else of the engine. */
  readonly digest: string;
  /** True: the digest is the engine's own id of it, which no registry need know. */
  readonly isOwnId: boolean;
  /** It was built and not pushed: whatever a registry has by this name is another one. */
  readonly isOnlyHere?: boolean;
}

/** Outputs are in it as they are, so it is kept like a secret. */
export function sealedRun(keyring: Keyring, executionId: string, run: SuspendedRun): string {
  return keyring.seal(JSON.stringify(run), suspensionContext(executionId));
}

/** @throws MissingKeyError, BrokenSealError */
export function openedRun(keyring: Keyring, executionId: string, sealed: string): SuspendedRun {
  return JSON.parse(keyring.open(sealed, suspensionContext(executionId))) as SuspendedRun;
}
