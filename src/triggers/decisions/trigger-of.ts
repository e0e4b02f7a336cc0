import { sayUrl } from '../../common/values/repository-url.js';
import type { TriggerInfo } from '../../executions/record/execution.schema.js';
import type { RepositoryDocument } from '../../repositories/repository.schema.js';

/**
 * What starts an execution by an event that is of no commit: of a pipeline that lives in a
 * repository it is one of the default branch.
 */
export function triggerOf(
  event: 'schedule' | 'webhook',
  at: Date,
  repository: RepositoryDocument | undefined,
): TriggerInfo {
  const info = { trigger_type: event, triggered_by: event, timestamp: at };
  if (!repository) return info;
  return {
    ...info,
    repository: sayUrl(repository.clone_url),
    branch: repository.default_branch,
    event: {
      repository_id: repository._id,
      repository: repository.full_name,
      default_branch: repository.default_branch,
      fork: false,
    },
  };
}
