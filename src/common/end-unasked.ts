/**
 * Begins the ordered end of this process, as SIGTERM does, where nobody has asked for one: what
 * it is may not run on. Its exit code is 1, so that what restarts failures starts another.
 */
export function endUnasked(): void {
  process.exitCode = 1;
  process.kill(process.pid, 'SIGTERM');
}
