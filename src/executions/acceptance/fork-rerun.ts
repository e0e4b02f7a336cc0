import type { Principal } from '../../auth/principals/principal.js';
import { MillraceError } from '../../common/errors/millrace.error.js';
import { refuseApprover } from '../../repositories/fork-approval.js';
import type { RepositoryDocument } from '../../repositories/repository.schema.js';
import type { TriggerInfo } from '../record/execution.schema.js';

/** Who runs an execution again. */
export type Rerunner = Pick<Principal, 'id' | 'name' | 'scopes'>;

/**
 * An approval is for one run: what a pull request of another repository has started is run again
 * only by who may approve it, and that is then its approval. Where no run of a fork needs one
 * (`forks: run`), nor did this.
 * @param repository the connection as it is now; undefined: it has ended
 * @returns the trigger of the re-run
 * @throws MillraceError AuthorizationError
 */
export function approvedAgain(
  info: TriggerInfo,
  repository: Pick<RepositoryDocument, 'forks' | 'fork_approvers'> | undefined,
  by: Rerunner,
): TriggerInfo {
  const { event } = info;
  if (event?.fork !== true) return info;
  if (event.approved_by === undefined && repository?.forks === 'run') return info;
  if (!by.scopes.has('deliveries:approve')) {
    const message = 'What a pull request of another repository started needs an approval again.';
    throw new MillraceError('AuthorizationError', message, {
      suggestions: ['Ask somebody with the scope deliveries:approve to run it again.'],
    });
  }
  refuseApprover(repository, event.author_user_id ?? null, by);
  return { ...info, event: { ...event, approved_by: by.id } };
}
