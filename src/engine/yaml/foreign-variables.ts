import { valueOf } from '../../common/values/name-record.js';

/** Names with `CI_` that steps may find; `CI_SIDECAR_<NAME>_HOST` and `_PORT` beside them. */
export const PLATFORM_NAMES: ReadonlySet<string> = new Set([
  ...['CI_EXECUTION_ID', 'CI_PIPELINE', 'CI_PIPELINE_ID', 'CI_EXECUTION_NUMBER'],
  ...['CI_EXECUTION_URL', 'CI_STAGE', 'CI_STEP', 'CI_EXECUTION_ATTEMPT', 'CI_STEP_ATTEMPT'],
  ...['CI_ATTEMPT', 'CI_EVENT', 'CI_ACTOR', 'CI_BRANCH', 'CI_TAG', 'CI_COMMIT'],
  ...['CI_COMMIT_SHORT', 'CI_REPOSITORY_URL', 'CI_REPOSITORY', 'CI_DEFAULT_BRANCH', 'CI_BEFORE'],
  ...['CI_COMMIT_MESSAGE', 'CI_COMMIT_AUTHOR', 'CI_PR_NUMBER', 'CI_PR_TITLE', 'CI_FORK'],
  ...['CI_BASE_BRANCH', 'CI_BASE_COMMIT', 'CI_HEAD_BRANCH', 'CI_RERUN_OF'],
  ...['CI_WORKSPACE', 'CI_OUTPUT'],
]);
const OF_SIDECARS = /^CI_SIDECAR_\w+_(HOST|PORT)$/;
/** Beginnings of the names that other systems set. */
const OF_OTHERS = /^(GITHUB|GITLAB|RUNNER|DRONE|CIRCLE|BUILDKITE|BITBUCKET|TRAVIS|WOODPECKER)_\w/;

/** Names that other systems set, by the one that says it here. */
const REPLACED: Readonly<Record<string, readonly string[]>> = {
  CI_WORKSPACE: [
    ...['CI_PROJECT_DIR', 'CI_BUILDS_DIR', 'GITHUB_WORKSPACE', 'RUNNER_WORKSPACE'],
    ...['DRONE_WORKSPACE', 'CIRCLE_WORKING_DIRECTORY', 'BUILDKITE_BUILD_CHECKOUT_PATH'],
    ...['BITBUCKET_CLONE_DIR', 'TRAVIS_BUILD_DIR'],
  ],
  CI_COMMIT: [
    ...['CI_COMMIT_SHA', 'CI_SHA', 'GITHUB_SHA', 'DRONE_COMMIT', 'DRONE_COMMIT_SHA'],
    ...['CIRCLE_SHA1', 'BUILDKITE_COMMIT', 'BITBUCKET_COMMIT', 'TRAVIS_COMMIT'],
  ],
  CI_COMMIT_SHORT: ['CI_COMMIT_SHORT_SHA'],
  CI_BRANCH: [
    ...['CI_COMMIT_BRANCH', 'CI_COMMIT_REF_NAME', 'CI_COMMIT_REF_SLUG', 'CI_COMMIT_REF'],
    ...['GITHUB_REF_NAME', 'GITHUB_REF', 'DRONE_BRANCH', 'DRONE_COMMIT_BRANCH', 'CIRCLE_BRANCH'],
    ...['BUILDKITE_BRANCH', 'BITBUCKET_BRANCH', 'TRAVIS_BRANCH'],
  ],
  CI_TAG: [
    ...['CI_COMMIT_TAG', 'DRONE_TAG', 'CIRCLE_TAG', 'BUILDKITE_TAG', 'BITBUCKET_TAG'],
    ...['TRAVIS_TAG'],
  ],
  CI_COMMIT_MESSAGE: [
    ...['CI_COMMIT_TITLE', 'CI_COMMIT_DESCRIPTION', 'DRONE_COMMIT_MESSAGE', 'BUILDKITE_MESSAGE'],
    ...['TRAVIS_COMMIT_MESSAGE'],
  ],
  CI_COMMIT_AUTHOR: ['CI_COMMIT_AUTHOR_EMAIL', 'DRONE_COMMIT_AUTHOR', 'BUILDKITE_BUILD_AUTHOR'],
  CI_BEFORE: ['CI_COMMIT_BEFORE_SHA', 'CI_PREV_COMMIT_SHA', 'DRONE_COMMIT_BEFORE'],
  CI_EVENT: [
    ...['CI_PIPELINE_SOURCE', 'CI_PIPELINE_EVENT', 'CI_BUILD_EVENT', 'GITHUB_EVENT_NAME'],
    ...['DRONE_BUILD_EVENT', 'BUILDKITE_SOURCE', 'TRAVIS_EVENT_TYPE'],
  ],
  CI_ACTOR: [
    ...['GITHUB_ACTOR', 'GITHUB_TRIGGERING_ACTOR', 'GITLAB_USER_LOGIN', 'GITLAB_USER_NAME'],
    ...['CIRCLE_USERNAME', 'DRONE_BUILD_TRIGGER', 'BUILDKITE_BUILD_CREATOR'],
  ],
  CI_REPOSITORY: [
    ...['CI_PROJECT_PATH', 'CI_REPO', 'GITHUB_REPOSITORY', 'DRONE_REPO'],
    ...['BITBUCKET_REPO_FULL_NAME', 'TRAVIS_REPO_SLUG'],
  ],
  CI_REPOSITORY_URL: [
    ...['CI_PROJECT_URL', 'CI_REPO_URL', 'CI_REPO_CLONE_URL', 'DRONE_GIT_HTTP_URL'],
    ...['DRONE_REPO_LINK', 'CIRCLE_REPOSITORY_URL', 'BUILDKITE_REPO', 'BITBUCKET_GIT_HTTP_ORIGIN'],
  ],
  CI_DEFAULT_BRANCH: ['CI_REPO_DEFAULT_BRANCH', 'BUILDKITE_PIPELINE_DEFAULT_BRANCH'],
  CI_EXECUTION_NUMBER: [
    ...['CI_PIPELINE_IID', 'CI_PIPELINE_NUMBER', 'CI_BUILD_NUMBER', 'GITHUB_RUN_NUMBER'],
    ...['DRONE_BUILD_NUMBER', 'CIRCLE_BUILD_NUM', 'BUILDKITE_BUILD_NUMBER'],
    ...['BITBUCKET_BUILD_NUMBER', 'TRAVIS_BUILD_NUMBER'],
  ],
  CI_EXECUTION_ID: ['CI_JOB_ID', 'CI_BUILD_ID', 'GITHUB_RUN_ID', 'BUILDKITE_BUILD_ID'],
  CI_EXECUTION_URL: [
    ...['CI_PIPELINE_URL', 'CI_JOB_URL', 'CI_BUILD_LINK', 'DRONE_BUILD_LINK', 'CIRCLE_BUILD_URL'],
    ...['BUILDKITE_BUILD_URL', 'TRAVIS_BUILD_WEB_URL'],
  ],
  CI_EXECUTION_ATTEMPT: ['GITHUB_RUN_ATTEMPT', 'BUILDKITE_RETRY_COUNT'],
  CI_PIPELINE: ['CI_PIPELINE_NAME', 'CI_WORKFLOW_NAME', 'GITHUB_WORKFLOW', 'CIRCLE_WORKFLOW_ID'],
  CI_STAGE: ['CI_JOB_STAGE', 'DRONE_STAGE_NAME'],
  CI_STEP: [
    ...['CI_JOB_NAME', 'CI_STEP_NAME', 'GITHUB_JOB', 'DRONE_STEP_NAME', 'CIRCLE_JOB'],
    ...['BUILDKITE_LABEL'],
  ],
  CI_PR_NUMBER: [
    ...['CI_MERGE_REQUEST_IID', 'CI_COMMIT_PULL_REQUEST', 'DRONE_PULL_REQUEST'],
    ...['CIRCLE_PR_NUMBER', 'BUILDKITE_PULL_REQUEST', 'BITBUCKET_PR_ID', 'TRAVIS_PULL_REQUEST'],
  ],
  CI_PR_TITLE: ['CI_MERGE_REQUEST_TITLE', 'CI_COMMIT_PULL_REQUEST_TITLE'],
  CI_BASE_BRANCH: [
    ...['CI_MERGE_REQUEST_TARGET_BRANCH_NAME', 'CI_COMMIT_TARGET_BRANCH', 'GITHUB_BASE_REF'],
    ...['DRONE_TARGET_BRANCH', 'BUILDKITE_PULL_REQUEST_BASE_BRANCH'],
    ...['BITBUCKET_PR_DESTINATION_BRANCH'],
  ],
  CI_BASE_COMMIT: ['CI_MERGE_REQUEST_DIFF_BASE_SHA', 'CI_MERGE_REQUEST_TARGET_BRANCH_SHA'],
  CI_HEAD_BRANCH: [
    ...['CI_MERGE_REQUEST_SOURCE_BRANCH_NAME', 'CI_COMMIT_SOURCE_BRANCH', 'GITHUB_HEAD_REF'],
    ...['DRONE_SOURCE_BRANCH', 'TRAVIS_PULL_REQUEST_BRANCH'],
  ],
  CI_OUTPUT: ['GITHUB_OUTPUT'],
  TMPDIR: ['RUNNER_TEMP'],
};

const HERE: ReadonlyMap<string, string> = new Map(
  Object.entries(REPLACED).flatMap(([here, names]) => names.map((name) => [name, here] as const)),
);

/** What stands here for files and secrets of others, which no variable is. */
const OTHERWISE: Readonly<Record<string, string>> = {
  GITHUB_OUTPUT: 'Write into $CI_OUTPUT, and name what is set: outputs: [NAME]',
  GITHUB_ENV:
    'Write into $CI_OUTPUT, with outputs: [NAME]; later steps read ${{ steps.<name>.outputs.NAME }}',
  GITHUB_PATH: 'Write path: [folder] at the step, its stage or the pipeline',
  GITHUB_STEP_SUMMARY: 'Print it: the log is kept; keep a file by artifacts',
  GITHUB_TOKEN: 'Write secrets: [GITHUB_TOKEN], a secret of that name',
  CI_JOB_TOKEN: 'Write secrets: [NAME], a secret of yours: no token is made for a step',
  CI_REGISTRY: 'Write the host of the registry, and registries at the top level',
  CI_REGISTRY_IMAGE: 'Write the name of the image, with the host of its registry',
  CI_REGISTRY_USER: 'Write registries at the top level, which log in by secrets',
  CI_REGISTRY_PASSWORD: 'Write registries at the top level, which log in by secrets',
  CI_DEBUG_TRACE: 'Write set -x as the first command',
};

/**
 * True for a name that Millrace never sets: an unknown one with `CI_`, which nothing else can set,
 * or one of another system.
 */
export function isForeignVariable(name: string): boolean {
  if (name.startsWith('CI_')) return !PLATFORM_NAMES.has(name) && !OF_SIDECARS.test(name);
  return OF_OTHERS.test(name);
}

/** The variable of Millrace that says the same; undefined where none does. */
export function variableHere(name: string): string | undefined {
  return HERE.get(name);
}

/** What to write in place of a variable of another system. */
export function foreignVariableHint(name: string): string {
  const otherwise = valueOf(OTHERWISE, name);
  if (otherwise !== undefined) return otherwise;
  const here = HERE.get(name);
  if (here !== undefined) return `Write $${here} in commands, \${{ env.${here} }} elsewhere`;
  return 'See the variables of steps in docs/pipeline-yaml.md, or set it in environment';
}
