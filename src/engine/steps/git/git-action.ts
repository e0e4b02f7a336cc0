import type { RepositoryPlan, StepAction } from '../../plan/plan.js';

export const GIT_KIND = 'git';

/** In plans: clones a repository. The checkout of an execution is one of these too. */
export interface GitAction extends StepAction {
  readonly kind: typeof GIT_KIND;
  readonly repository: RepositoryPlan;
  /** Where to clone, relative to the workspace; absent = the workspace itself. Template. */
  readonly directory?: string;
}
