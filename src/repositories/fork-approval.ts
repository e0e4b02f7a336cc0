import { MillraceError } from '../common/errors/millrace.error.js';

/** Who approves the run of a pull request from another repository. */
export interface Approver {
  readonly id: string;
  readonly name?: string;
}

/**
 * Who asked for a run does not approve it, nor does anybody whom the connection does not name where
 * it names some.
 * @param authorUserId of the pull request's author here; null = not known
 * @throws MillraceError AuthorizationError
 */
export function refuseApprover(
  repository: { readonly fork_approvers?: readonly string[] } | undefined,
  authorUserId: string | null,
  by: Approver,
): void {
  if (authorUserId !== null && authorUserId === by.id) {
    throw new MillraceError('AuthorizationError', 'Nobody approves a pull request of their own.', {
      suggestions: ['Ask somebody else of the team.'],
    });
  }
  const { fork_approvers: approvers = [] } = repository ?? {};
  if (approvers.length === 0 || approvers.includes(by.id)) return;
  throw new MillraceError('AuthorizationError', 'The repository names others who may approve.', {
    suggestions: [
      'Ask one of its fork_approvers, or an administrator to add you: ./millrace repositories change',
    ],
  });
}
