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
} as const;
