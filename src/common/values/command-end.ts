/** How a command ended that was run beside the program of an instance. */
export type CommandEnd =
  | { readonly kind: 'exited'; readonly code: number; readonly said: string }
  | { readonly kind: 'signalled'; readonly signal: string; readonly said: string }
  /** It had not ended in time. `isEnded` false: it could not be ended either. */
  | { readonly kind: 'late'; readonly isEnded: boolean; readonly said: string }
  | { readonly kind: 'not_started'; readonly message: string };

/** A command, and how long it may take. */
export interface CommandRequest {
  /** Program and arguments, or a line for `/bin/sh`. */
  readonly command: string | readonly string[];
  /** From 1 to 60,000 ms. */
  readonly limit_ms: number;
}
