/** Places where a test may kill this process, to see that nothing is lost there. */
export type FailPoint =
  | 'execution_inserted' // accepted and stored, not enqueued yet
  | 'execution_claimed' // claimed, nothing run yet
  | 'log_closed'; // run to its end and logged, not settled yet

let armed: string | undefined;

/** Arms one point; only entry files call it, with the variable `FAIL_POINT`. */
export function armFailPoint(name: string | undefined): void {
  armed = name;
}

/** Kills this process as `kill -9` would, if the point is armed. */
export function failPoint(name: FailPoint): void {
  if (armed === name) process.kill(process.pid, 'SIGKILL');
}
