import {
  credentials,
  fittingCredentials,
  gitFields,
  workspacePath,
} from '../../yaml/common-readers.js';
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
    credentials,
  },
  required: ['repository_url'],
  habits: {
    url: 'Write repository_url',
    repository: 'Write repository_url',
    token: 'Write credentials: <name of a secret>',
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
    const used = fittingCredentials(url, values.credentials, { path, node }, context);
    const repository = { url, branch, commit, ...(used && { credentials: used }) };
    const draft = { kind: GIT_KIND, repository, directory } as const;
    return { draft, environment: values.environment };
  },
};
