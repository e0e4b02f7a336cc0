/** From TERM to KILL, ms. */
const KILL_GRACE_MS = 8_000;

/** What runs for a step: a process, or a container. */
export interface StepProgram<E> {
  /** Never rejects. */
  readonly exit: Promise<E>;
  /** TERM, and KILL after the grace. Idempotent. */
  kill(graceMs: number): Promise<unknown>;
}

/**
 * Waits for the end of a program, and ends it when the signal says so. `killed`: the signal came
 * first, whatever the program made of it; what ends well at TERM was ended all the same.
 */
export async function endOf<E>(
  program: StepProgram<E>,
  signal: AbortSignal,
): Promise<{ readonly exit: E; readonly killed: boolean }> {
  let killing: Promise<unknown> | undefined;
  const kill = (): void => {
    killing ??= program.kill(KILL_GRACE_MS);
  };
  if (signal.aborted) kill();
  signal.addEventListener('abort', kill, { once: true });
  const exit = await program.exit;
  const killed = killing !== undefined;
  await killing;
  signal.removeEventListener('abort', kill);
  return { exit, killed };
}
