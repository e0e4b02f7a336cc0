import { nameRecord } from '../../../common/values/name-record.js';
import { renderText } from '../../expression/render-text.js';
import { ownForm, type StepKind } from '../step-kind.js';
import { DEPLOY_KIND, DEPLOY_OUTPUTS, type DeployAction } from './deploy-action.js';
import type { DeployDraft } from './deploy-draft.js';
import { deployReader } from './deploy-keys.js';

/** What stands in the place of a deployment that could not be read; the problem was reported. */
const UNREAD: DeployDraft = {
  kind: DEPLOY_KIND,
  type: 'local_directory',
  service: 'unread',
  environment: 'default',
  path: 'unread',
  source: '.',
  keep: 1,
  secretUses: [],
};

/** Makes a release of a folder of the workspace, and puts it into service. */
export const deployKind: StepKind<DeployDraft, DeployAction> = {
  kind: DEPLOY_KIND,
  meaning: 'makes a release of what was built, and puts it into service',
  ownForm: ownForm({
    keys: {
      deploy: {
        reader: deployReader,
        value: 'a map',
        default: 'none',
        meaning: 'what is put into service, and where; see below',
      },
    },
    begunBy: ['deploy'],
    read: ({ deploy }) => deploy ?? UNREAD,
  }),
  outputs: DEPLOY_OUTPUTS,
  retries: 'when_told',
  secrets: ({ secretUses }) => secretUses,
  compile: ({ secretUses: _uses, ...action }) => action,
  prepare: (action, scope) => ({
    action: {
      ...action,
      service: renderText(action.service, scope),
      environment: renderText(action.environment, scope),
      path: renderText(action.path, scope),
      source: renderText(action.source, scope),
    },
    variables: nameRecord([]),
  }),
  view: ({ service, environment, path, source, ssh }) => ({
    summary: `deploys ${source} as ${service} of ${environment} to ${path}${ssh ? ` of ${ssh.host}` : ''}`,
    directory: source,
  }),
  document: ({ type, service, environment, path }) => ({
    step_type: 'custom',
    config: { deployment_type: type, service, environment, path },
  }),
};
