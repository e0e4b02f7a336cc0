/**
 * Milliseconds of the processor that this process alone takes for some work: how long something
 * takes by itself, however busy the machine is.
 */
export function ownTime(work: () => void): number {
  const began = process.cpuUsage();
  work();
  return process.cpuUsage(began).user / 1_000;
}
