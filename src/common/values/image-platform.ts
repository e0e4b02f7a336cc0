/** What processors run beside their own programs, by the names that images have for them. */
const RUNS_TOO: ReadonlyMap<string, readonly string[]> = new Map([
  ['amd64', ['386']],
  ['arm64', ['arm']],
]);

/**
 * Whether an image is the one that was asked for. A variant that was not asked for may be any.
 * Where no platform was asked for, the engine's processor must run it: who wants one that the
 * engine emulates says so.
 */
export function isFor(platform: string, wanted: string | undefined, engine: string): boolean {
  if (wanted !== undefined) return platform === wanted || platform.startsWith(`${wanted}/`);
  const [os, processor = ''] = engine.split('/');
  const [ofOs, ofProcessor = ''] = platform.split('/');
  // An image that says nothing of it runs anywhere, for all that is known.
  if (ofProcessor === '') return true;
  return ofOs === os && [processor, ...(RUNS_TOO.get(processor) ?? [])].includes(ofProcessor);
}
