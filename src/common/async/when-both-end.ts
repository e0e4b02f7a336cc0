/**
 * Both results, after both have settled: nothing continues when one of the two has failed. Of two
 * failures the first promise's counts.
 */
export async function whenBothEnd<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([first, second]);
  return [await first, await second];
}
