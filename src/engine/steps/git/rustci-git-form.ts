import { gitFields, workspacePath } from '../../yaml/common-readers.js';
import { environment } from '../../yaml/environment-reader.js';
import { fields } from '../../yaml/reader.js';
import type { RustciForm } from '../step-kind.js';
import { GIT_KIND, type GitAction } from './git-action.js';

const config = {
  name: 'the config of a git step',
  fields: {
    repository_url: gitFields.url,
    branch: gitFields.branch,
    commit: gitFields.commit,
    working_directory: workspacePath,
    environment,
  },
  required: ['repository_url'],
  later: { credentials: 'the secret store comes later; put credentials into the URL' },
  habits: {
    url: 'Write repository_url',
    repository: 'Write repository_url',
    token: 'Put credentials into the URL: https://user:token@host/…',
    directory: 'Write working_directory',
  },
} as const;

const reader = fields(config);

export const rustciGitForm: RustciForm<GitAction> = {
  types: ['github', 'git_hub', 'gitlab', 'git_lab'],
  habits: { git: 'github' },
  configHint: 'Add config: { repository_url: … }',
  config,
  read: (node, path, context) => {
    const values = reader.read(node, path, context);
    if (values === undefined) return undefined;
    const { repository_url: url = '', branch, commit, working_directory: directory } = values;
    const draft = { kind: GIT_KIND, repository: { url, branch, commit }, directory } as const;
    return { draft, environment: values.environment };
  },
};
