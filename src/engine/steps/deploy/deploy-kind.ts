import { nameRecord } from '../../../common/values/name-record.js';
import { renderText } from '../../expression/render-text.js';
import type { Scope } from '../../expression/scope.js';
import { ownForm, type StepKind } from '../step-kind.js';
import { DEPLOY_KIND, DEPLOY_OUTPUTS, type DeployAction } from './deploy-action.js';
import type { DeployDraft } from './deploy-draft.js';
import { deployDocument } from './deploy-document.js';
import { deployReader, type Problems } from './deploy-keys.js';
import { rustciDeployForm } from './rustci-deploy-form.js';
import { isRustciDeploy, meantDeploy } from './rustci-deploy.js';

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

/** What it means is checked, and told, once for all steps of a pipeline. */
const UNTOLD: Problems = { error: () => undefined };

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
  rustciForm: rustciDeployForm,
  takesOver: (draft, defaults) =>
    isRustciDeploy(draft) ? (meantDeploy(draft.rustci, defaults, UNTOLD) ?? UNREAD) : draft,
  outputs: DEPLOY_OUTPUTS,
  retries: 'when_told',
  secrets: ({ secretUses }) => secretUses,
  compile: ({ secretUses: _uses, ...action }) => action,
  prepare: (action, scope) => ({ action: rendered(action, scope), variables: nameRecord([]) }),
  view: (action) => ({
    summary: summaryOf(action),
    ...(action.type !== 'docker_container' && { directory: action.source }),
  }),
  document: ({ secretUses: _uses, ...action }) => deployDocument(action),
};

function rendered(action: DeployAction, scope: Scope): DeployAction {
  const service = renderText(action.service, scope);
  const environment = renderText(action.environment, scope);
  if (action.type === 'local_directory') {
    const [path, source] = [renderText(action.path, scope), renderText(action.source, scope)];
    return { ...action, service, environment, path, source };
  }
  const values = Object.entries(action.variables).map(([name, value]): [string, string] => [
    name,
    renderText(value, scope),
  ]);
  const common = { service, environment, variables: nameRecord(values) };
  if (action.type === 'local_service') {
    return { ...action, ...common, source: renderText(action.source, scope) };
  }
  return { ...action, ...common, image: renderText(action.image, scope) };
}

function summaryOf(action: DeployAction): string {
  const what = whatOf(action);
  return action.chosen === undefined ? what : `${what} (${action.chosen})`;
}

function whatOf(action: DeployAction): string {
  const { service, environment } = action;
  const name = `${service} of ${environment}`;
  if (action.type === 'docker_container') return `deploys ${action.image} as ${name}`;
  if (action.type === 'local_service') return `deploys ${action.source} as ${name}, and runs it`;
  const { source, path, ssh } = action;
  return `deploys ${source} as ${name} to ${path}${ssh ? ` of ${ssh.host}` : ''}`;
}
