import { type GitMirrorSettings, GitMirrorStore } from './git-mirror-store.js';

const SWEEP_MS = 60 * 60_000;

/**
 * Removes mirrors over their age or size, and what killed processes left, now and every hour, also
 * where nobody clones. Returns what ends it. Several processes of a machine may do so at once.
 */
export function sweepMirrors(
  settings: GitMirrorSettings,
  report: (error: unknown) => void,
): () => void {
  const store = new GitMirrorStore(settings);
  const sweep = (): void => void store.evict().catch(report);
  sweep();
  const timer = setInterval(sweep, SWEEP_MS).unref();
  return () => clearInterval(timer);
}
