/** Waits for the end of all of it, however it ends, at most `graceMs`. */
export async function settledWithin(ms: number, work: readonly Promise<unknown>[]): Promise<void> {
  if (ms <= 0 || work.length === 0) return;
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([Promise.allSettled(work), deadline]);
  clearTimeout(timer);
}
