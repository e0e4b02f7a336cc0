/** What others see of a class: what a stand-in for it in a test must have. */
export type PublicPart<T> = Pick<T, keyof T>;

/**
 * Takes an object for a provider whose class has private parts. TypeScript holds what is there
 * against the public part; what the code under test does not call may be missing.
 */
export function standIn<T extends object>(fake: Partial<PublicPart<T>>): T {
  return fake as T;
}
