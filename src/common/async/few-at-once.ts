/**
 * Does the work of every item, `most` of them at a time, and settles when all have: one that fails
 * keeps no other from being done. Of several failures the first one's counts.
 */
export async function fewAtOnce<T>(
  items: Iterable<T>,
  most: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = items[Symbol.iterator]();
  const failures: unknown[] = [];
  const line = async (): Promise<void> => {
    for (let next = left.next(); next.done !== true; next = left.next()) {
      try {
        await work(next.value);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: most }, line));
  if (failures.length > 0) throw failures[0];
}
