/**
 * Stops parts of a test one after another, each of them also when one before could not be stopped
 * or was never made: what is left of a container engine stays on the machine.
 *
 * @throws what the first one that failed has thrown
 */
export async function stopAll(...stops: readonly (() => unknown)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const stop of stops) {
    try {
      await stop();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}
