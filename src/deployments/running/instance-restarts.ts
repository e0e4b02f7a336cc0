import { afterEnd, NO_RESTARTS, type RestartHistory } from '../../common/restart-policy.js';
import type { Release } from '../record/deployment.js';
import { restartRule } from '../targets/restart-rule.js';

/** One that ran for so long begins again with the first pause, ms. */
const STEADY_MS = 60_000;
const PAUSES = { first: 1_000, most: 60_000 };
/** Without a limit: as often as it ends. */
const NO_LIMIT = { max: Infinity, windowMs: STEADY_MS };

interface Restarts {
  readonly history: RestartHistory;
  readonly notBefore: number;
}

/**
 * When an instance that has ended is started again: at once, then with longer and longer pauses
 * between two starts, and not at all when the limit of its release is used up. The count is of
 * this process: the worker that comes after it begins with none.
 */
export class InstanceRestarts {
  private readonly byRelease = new Map<string, Restarts | 'used_up'>();

  /** It is being started again, or was given up. */
  has({ _id }: Pick<Release, '_id'>): boolean {
    return this.byRelease.has(_id);
  }

  /** It runs. @param now ms since 1970 */
  noteRunning(release: Release, startedAt: Date, now: number): void {
    const known = this.byRelease.get(release._id);
    const isSteady = now - startedAt.getTime() > ruleOf(release).window_ms;
    if (known === 'used_up' || isSteady) this.byRelease.delete(release._id);
  }

  /** What becomes of one that does not run; `start` counts as one. @param now ms since 1970 */
  next(release: Release, now: number): 'start' | 'wait' | 'used_up' {
    const known = this.byRelease.get(release._id) ?? { history: NO_RESTARTS, notBefore: 0 };
    if (known === 'used_up') return known;
    if (now < known.notBefore) return 'wait';
    const next = afterEnd(ruleOf(release), known.history, { ranMs: 0, now });
    if (next.kind === 'failed') {
      this.byRelease.set(release._id, 'used_up');
      return 'used_up';
    }
    this.byRelease.set(release._id, { history: next.history, notBefore: now + next.inMs });
    return 'start';
  }
}

function ruleOf({ settings }: Release): ReturnType<typeof restartRule> {
  // Of programs somebody else counts: what is to be started here is gone altogether.
  const limit = settings.type === 'docker_container' ? settings.restart : undefined;
  return restartRule(limit ?? NO_LIMIT, PAUSES);
}
