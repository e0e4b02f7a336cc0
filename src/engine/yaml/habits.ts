/** What to write instead of keys of other systems, where several tables have the same answer. */

/** Of containers: where a step, a stage or `defaults` says in what it runs. */
export const CONTAINER_HABITS = {
  container: 'Write image: node:22',
  docker: 'Write image: node:22',
  docker_image: 'Write image: node:22',
  volumes: 'A container sees the workspace alone: keep files with cache or artifacts',
  mounts: 'A container sees the workspace alone: keep files with cache or artifacts',
  privileged: 'No step is privileged: write build to build images; a worker may give some rights',
  cap_add: 'A worker gives rights to its steps (CONTAINER_CAPABILITIES): choose one by runs_on',
  capabilities:
    'A worker gives rights to its steps (CONTAINER_CAPABILITIES): choose one by runs_on',
} as const;

/** Of jobs: commands around the commands. */
export const JOB_HABITS = {
  before_script: 'Write them as the first commands of run',
  after_script: 'Write them at the end of run, or as a step of always',
} as const;

/** Of what steps have, where somebody writes it above them. */
export const STEP_ONLY_HABITS = {
  cache: 'cache belongs to a step',
  artifacts: 'artifacts belong to a step',
  reports: 'reports belong to a step',
  outputs: 'outputs belong to a step; others read ${{ steps.<name>.outputs.NAME }}',
} as const;

const TIMEOUT = 'Write timeout: 10m';
const PLUGINS = 'There are no plugins: write the commands in run';
const NO_STRATEGY =
  'Write a step for each combination; steps of a stage share one workspace: give each a folder';
const NO_HEIRS = 'Nothing is inherited: what all steps share stands in defaults and environment';
const CHANNELS =
  'Make a channel of the pipeline, which keeps its address secret (docs/notifications.md)';
const NO_TASKS = 'There are no tasks: write the commands in run';
const AS_SIDECAR = 'Write it as one of the sidecars of its stage';
/** Of `only`, `except` and `rules`. A tag by hand (`--tag`) is no event `tag`. */
export const CONDITIONS =
  'Write when, or triggers at the top level; for tags when: trigger.tag, which holds by hand too';

/** Of jobs and steps, wherever they are written. */
export const FOREIGN_HABITS = {
  strategy: NO_STRATEGY,
  parallelism: NO_STRATEGY,
  'timeout-minutes': TIMEOUT,
  timeout_minutes: TIMEOUT,
  timeout_in_minutes: TIMEOUT,
  timeoutInMinutes: TIMEOUT,
  soft_fail: 'Write continue_on_error at the step',
  allow_failure: 'Write continue_on_error at the step',
  'continue-on-error': 'Write continue_on_error at the step',
  continueOnError: 'Write continue_on_error at the step',
  displayName: 'Write name',
  label: 'Write name',
  dependsOn: 'Write needs at a stage or a step',
  only: CONDITIONS,
  except: CONDITIONS,
  rules: CONDITIONS,
  extends: NO_HEIRS,
  inherit: NO_HEIRS,
  settings: PLUGINS,
  plugins: PLUGINS,
  uses: 'There are no actions: write the commands in run, or use repository, cache, artifacts, build',
  with: 'There are no actions: write the commands in run',
  task: NO_TASKS,
  permissions: 'A token gets its scopes where it is made: remove it',
  id_tokens: 'No token is made for a step: write secrets: [NAME], a secret of yours',
  trigger:
    'Write triggers at the top level; to start another pipeline call its webhook in run (docs/triggers.md)',
  parameters: 'Write triggers: [{ manual: { inputs: … } }] at the top level',
  notify: CHANNELS,
  notifications: CHANNELS,
  start_in: 'No step starts later by itself: write approval, or sleep in run',
  release: 'No release is made at the forge: call its program in run; deploy puts into service',
  executor: 'Write image: node:22; runs_on at the top level chooses a worker',
  workspace:
    'Remove it: steps begin in the workspace; working_directory at a step is a folder of it',
  skip: 'Write when, or remove it',
  enabled: 'Write when, or remove it',
  wait: 'A stage waits for those above it: begin another stage',
  detach: AS_SIDECAR,
  background: AS_SIDECAR,
  no_output_timeout: TIMEOUT,
  retryCountOnTaskFailure: 'Write retry: 2 at the step',
  failOnStderr: 'Remove it: the exit code alone decides',
  setup_remote_docker: 'Remove it: a step with build: . builds an image, and needs no docker',
  backend_options:
    'Write memory, cpus and the other keys of containers; runs_on at the top level chooses a worker',
  artifact_paths: 'Write artifacts at the step',
  store_artifacts: 'Write artifacts at the step',
  coverage: 'Only junit is read (reports); keep others by artifacts',
} as const;

export const LABELS_OF_WORKERS =
  'Write runs_on, which names labels of workers; for an image write defaults: { image: … }';
const AT_TOP = 'Write runs_on at the top level: labels of workers; an image is image: …';

/** Of machines, where something else than the pipeline says on which it runs. */
export const MACHINE_HABITS = {
  runs_on: 'runs_on belongs to the pipeline',
  'runs-on': 'runs_on belongs to the pipeline',
  pool: AT_TOP,
  agents: AT_TOP,
  machine: AT_TOP,
  resource_class: AT_TOP,
} as const;
