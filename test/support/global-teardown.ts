import type { ServicesOfRun } from './throwaway-services.js';

/** Ends what the global set-up started. (It imports no value: see the note on resolution there.) */
export default async function globalTeardown(): Promise<void> {
  const kept = globalThis as { millraceTestServices?: ServicesOfRun };
  await kept.millraceTestServices?.stop();
}
