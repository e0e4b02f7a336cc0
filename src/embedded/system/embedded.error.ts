/** Why the embedded services could not be brought up; each code has one cause and one remedy. */
export type EmbeddedErrorCode =
  | 'home_in_use'
  | 'home_unreachable'
  | 'lock_unavailable'
  | 'platform_unsupported'
  | 'tool_missing'
  | 'keyring_missing'
  | 'mirror_missing'
  | 'network_unreachable'
  | 'disk_full'
  | 'fetch_failed'
  | 'build_failed'
  | 'verification_failed'
  | 'service_failed'
  | 'aborted';

/**
 * The one error of this folder. `message` says what happened, `advice` what the reader can do about
 * it; neither holds a secret. `toString()` gives both.
 */
export class EmbeddedError extends Error {
  readonly code: EmbeddedErrorCode;
  readonly advice: string;

  constructor(code: EmbeddedErrorCode, message: string, advice: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'EmbeddedError';
    this.code = code;
    this.advice = advice;
  }

  override toString(): string {
    return `${this.message}\n${this.advice}`;
  }
}
