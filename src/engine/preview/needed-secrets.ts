import type { Plan } from '../plan/plan.js';
import type { PreviewContext } from './preview.js';
import { previewRun } from './run-preview.js';
import { secretPlaces, type SecretPlaces } from './secret-places.js';

/**
 * The secrets that a run for this trigger may come to use, those of clones too: not what only
 * stages and steps name that are skipped whatever happens. Pure.
 */
export function neededSecrets(plan: Plan, context: PreviewContext): SecretPlaces {
  return secretPlaces(plan, previewRun(plan, context));
}
