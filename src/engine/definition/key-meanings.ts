/**
 * What keys mean, for editors: `meanings` of their tables. The rows of docs/pipeline-yaml.md say
 * the same.
 */

export const PIPELINE_MEANINGS = {
  repository: 'cloned into the workspace before the first stage',
  registries: 'log-ins for images',
  sidecars: 'containers beside all stages and hooks',
  timeout: 'of the whole execution',
  retry_count:
    'further attempts of every step without `retry`, and of an execution whose worker was lost',
  resume: 'a further attempt of an execution keeps the stages that have passed',
  supersede: 'a newer push of the branch or pull request cancels older executions',
  runs_on: 'labels that a worker must have, all of them',
  defaults: 'for all steps',
  stages: 'or `steps`: then there is one stage, `main`',
  steps: 'the short form, without `stages`',
  on_failure: 'run one after another when the execution failed or timed out',
  always: 'run last, one after another, also after a cancel',
} as const;

export const STAGE_MEANINGS = {
  approval: 'people are asked before any of its steps starts',
  needs: 'what must be over first; `[]` = starts at once',
  parallel: 'its steps run side by side; a number = at most so many',
  secrets: 'for its steps',
  retry_count: 'for its steps without `retry`',
  sidecars: 'containers beside its steps',
} as const;

export const STEP_MEANINGS = {
  secrets: 'for this step',
  continue_on_error: 'recorded `failed`, does not fail the stage',
  timeout: 'of one attempt',
  outputs: 'what may be set in the file `$CI_OUTPUT`',
  cache: 'what is restored and saved',
  artifacts: 'files that are kept',
  artifacts_from: 'artifacts that are brought first',
  reports: 'what its tests said',
} as const;
