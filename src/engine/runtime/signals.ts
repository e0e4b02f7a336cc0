/** Signals 1 to 31 of Linux, in their order. */
const NAMES =
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS'.split(
    ' ',
  );
const RT_MIN = 34;

/** `SIGKILL`; `SIGRTMIN+6` for a real-time signal, which has no name of its own. */
export function signalName(number: number): string {
  const name = NAMES[number - 1];
  if (name !== undefined) return `SIG${name}`;
  if (number === RT_MIN) return 'SIGRTMIN';
  // The C library keeps the two below for itself.
  return number > RT_MIN ? `SIGRTMIN+${number - RT_MIN}` : `SIG${number}`;
}

/**
 * The exit code that a shell tells of a death by this signal: 128 and its number; undefined for no
 * signal's name.
 */
export function exitCodeOfSignal(name: string): number | undefined {
  const index = NAMES.indexOf(name.slice(3));
  if (index >= 0) return 128 + index + 1;
  const [, least, above, plain] = /^SIG(?:(RTMIN)(?:\+(\d+))?|(\d+))$/.exec(name) ?? [];
  if (least !== undefined) return 128 + RT_MIN + Number(above ?? 0);
  return plain === undefined ? undefined : 128 + Number(plain);
}
