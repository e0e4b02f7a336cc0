import { nameRecord } from '../../../common/values/name-record.js';
import { sayUrl } from '../../../common/values/repository-url.js';
import { renderText } from '../../expression/render-text.js';
import type { Scope } from '../../expression/scope.js';
import type { RepositoryPlan } from '../../plan/plan.js';
import type { StepKind } from '../step-kind.js';
import { GIT_KIND, type GitAction } from './git-action.js';
import { rustciGitForm } from './rustci-git-form.js';

/**
 * Clones a repository into the workspace. It has no own form: a pipeline names its `repository`.
 */
export const gitKind: StepKind<GitAction, GitAction> = {
  kind: GIT_KIND,
  meaning: 'clones a repository into the workspace',
  rustciForm: rustciGitForm,
  compile: (draft) => draft,
  prepare: ({ repository, directory }, scope) => ({
    action: {
      kind: GIT_KIND,
      repository: renderRepository(repository, scope),
      ...(directory !== undefined && { directory: renderText(directory, scope) }),
    },
    variables: nameRecord([]),
  }),
  fillsWorkspace: true,
  credentialUrls: ({ repository }) => [repository.url],
  credentials: ({ repository }) => repository.credentials,
  view: ({ repository, directory }) => ({
    summary: `clones ${sayUrl(repository.url)}`,
    repository,
    directory,
  }),
  document: ({ repository: { url, branch, commit }, directory }) => ({
    step_type: 'github',
    config: { repository_url: sayUrl(url), branch, commit, working_directory: directory },
  }),
};

function renderRepository(repository: RepositoryPlan, scope: Scope): RepositoryPlan {
  const { url, branch, tag, commit, ...plain } = repository;
  return {
    ...plain,
    url: renderText(url, scope),
    ...(branch !== undefined && { branch: renderText(branch, scope) }),
    ...(tag !== undefined && { tag: renderText(tag, scope) }),
    ...(commit !== undefined && { commit: renderText(commit, scope) }),
  };
}
