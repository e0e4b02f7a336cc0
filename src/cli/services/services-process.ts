import type { MillraceConfig } from '../../config/millrace-config.js';
import { DEFAULT_STEP_USER } from '../../integrations/process/client/step-user.js';

/** Users that steps run as: no service is one of them. */
export function stepUsersOf({ stepUser }: MillraceConfig): readonly string[] {
  return [DEFAULT_STEP_USER, ...(stepUser === undefined ? [] : [stepUser])];
}

/** Aborts at Ctrl-C, TERM or HUP, none of which ends this process any more. */
export function endSignal(): AbortSignal {
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => end.abort());
  }
  return end.signal;
}
