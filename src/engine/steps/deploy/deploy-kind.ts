import { nameRecord } from '../../../common/values/name-record.js';
import { renderText } from '../../expression/render-text.js';
import type { Scope } from '../../expression/scope.js';
import { renderedBuild } from '../build/build-kind.js';
import { ownForm, type StepKind, type StepView } from '../step-kind.js';
import {
  DEPLOY_KIND,
  type ContainerDeploy,
  DEPLOY_OUTPUTS,
  type DeployAction,
  type PartDeploy,
  type UnitDeploy,
} from './deploy-action.js';
import type { DeployDraft } from './deploy-draft.js';
import { deployDocument } from './deploy-document.js';
import { deployReader } from './deploy-keys.js';
import type { Problems } from './release-drafts.js';
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
  needsEngine: (action) => releasesOf(action).some(({ type }) => type === 'docker_container'),
  outputs: DEPLOY_OUTPUTS,
  retries: 'when_told',
  secrets: ({ secretUses }) => secretUses,
  compile: (draft) => {
    if (draft === UNREAD) throw new Error('a deployment that was not read has no plan');
    return actionOf(draft);
  },
  prepare: (action, scope) => ({ action: rendered(action, scope), variables: nameRecord([]) }),
  view: (action) => ({
    summary: summaryOf(action),
    ...directoryOf(action),
  }),
  document: (draft) => deployDocument(actionOf(draft)),
};

function releasesOf(action: DeployAction): readonly PartDeploy[] {
  return action.type === 'hybrid' ? action.parts.map(({ deploy }) => deploy) : [action];
}

function actionOf({ secretUses: _uses, ...action }: DeployDraft): DeployAction {
  return action;
}

function rendered(action: DeployAction, scope: Scope): DeployAction {
  if (action.type !== 'hybrid') return renderedRelease(action, scope);
  return {
    ...action,
    service: renderText(action.service, scope),
    environment: renderText(action.environment, scope),
    parts: action.parts.map((part) => ({ ...part, deploy: renderedRelease(part.deploy, scope) })),
  };
}

function renderedRelease(action: PartDeploy, scope: Scope): PartDeploy {
  const service = renderText(action.service, scope);
  const environment = renderText(action.environment, scope);
  if (action.type === 'local_directory') {
    const path = renderText(action.path, scope);
    return { ...action, service, environment, path, ...renderedSource(action, scope) };
  }
  const values = Object.entries(action.variables).map(([name, value]): [string, string] => [
    name,
    renderText(value, scope),
  ]);
  const common = { service, environment, variables: nameRecord(values) };
  if (action.type === 'local_service') {
    return { ...action, ...common, source: renderText(action.source, scope) };
  }
  const { image, build } = action;
  return {
    ...{ ...action, ...common, ...renderedSource(action, scope) },
    ...(image !== undefined && { image: renderText(image, scope) }),
    ...(build && { build: renderedBuild(build, scope) }),
  };
}

function renderedSource({ source }: { readonly source?: string }, scope: Scope) {
  return source === undefined ? {} : { source: renderText(source, scope) };
}

function directoryOf(action: DeployAction): Pick<StepView, 'directory'> {
  if (action.type === 'hybrid') return {};
  const directory =
    action.type === 'docker_container' ? (action.build?.context ?? action.source) : action.source;
  return directory === undefined ? {} : { directory };
}

function imageNamed({ image, build, source = '.' }: ContainerDeploy): string {
  if (image !== undefined) return image;
  if (build === undefined) return `what the Dockerfile of ${source} builds`;
  return `what ${build.dockerfile ?? 'Dockerfile'} of ${build.context} builds`;
}

function partNames({ parts }: UnitDeploy): string {
  return parts.map(({ deploy }) => deploy.service).join(', ');
}

function summaryOf(action: DeployAction): string {
  const what = whatOf(action);
  return action.chosen === undefined ? what : `${what} (${action.chosen})`;
}

function whatOf(action: DeployAction): string {
  const { service, environment } = action;
  const name = `${service} of ${environment}`;
  if (action.type === 'hybrid') return `deploys ${partNames(action)} together as ${name}`;
  if (action.type === 'docker_container') return `deploys ${imageNamed(action)} as ${name}`;
  if (action.type === 'local_service') return `deploys ${action.source} as ${name}, and runs it`;
  const { source = 'the output folder', path, ssh } = action;
  return `deploys ${source} as ${name} to ${path}${ssh ? ` of ${ssh.host}` : ''}`;
}
