import { isDatabaseUnavailable } from '../../integrations/database/database-errors.js';
import { TargetAwayError } from './deploy-target.js';

/** What is acted on, or the database, is away: nothing is known to have failed. */
export function isForLater(error: unknown): boolean {
  return error instanceof TargetAwayError || isDatabaseUnavailable(error);
}
