import { quoted } from '../../../common/values/redact-urls.js';
import type { Place, ReadContext } from '../../yaml/reader.js';
import type { YamlNode } from '../../yaml/yaml-tree.js';
import type { RustciForm, RustciStepText, StepDraft } from '../step-kind.js';
import { DEPLOY_KIND, DEPLOYMENT_TYPES, type DeploymentType } from './deploy-action.js';
import { rustciDeployConfig, rustciDeployTable } from './rustci-deploy-table.js';
import type { RustciDeployDraft } from './rustci-deploy.js';

/** Names of steps that deploy. */
const DEPLOYS = /^(?:deploy|release)/i;

/** `step_type: custom` puts into service: what it has no type for is chosen by what it says. */
export const rustciDeployForm: RustciForm<StepDraft> = {
  types: ['custom'],
  configHint: 'Add config: { deployment_type: local_directory, service: …, path: … }',
  config: rustciDeployTable,
  read: (node, path, context, step) => {
    if (refusesPlugin(node, step, context)) return undefined;
    const values = rustciDeployConfig.read(node, path, context);
    if (values === undefined) return undefined;
    const entries = node.kind === 'map' ? node.entries : [];
    const { environment: said, secrets = [], ssh, build } = values;
    const ofConfig = typeof said === 'object' ? said : undefined;
    const draft: RustciDeployDraft = {
      kind: DEPLOY_KIND,
      rustci: {
        ...{ values, at: { path, offset: node.start, entries }, name: step.name ?? '' },
        type: values.deployment_type ?? pluginType(values.plugin_name),
        environment: { ...step.environment, ...ofConfig },
      },
      secretUses: [...secrets, ...(ssh?.uses ?? []), ...(build?.secrets ?? [])],
    };
    return { draft, ...(ofConfig && { environment: ofConfig }) };
  },
};

/** Whether the step is for a plugin, and was refused. */
function refusesPlugin(
  node: YamlNode,
  { name, path, node: step }: RustciStepText,
  context: ReadContext,
): boolean {
  if (node.kind !== 'map') return false;
  const at = { path, offset: step.start };
  const plugin = node.entries.find(({ key }) => key === 'plugin_name');
  const written = plugin?.value.kind === 'scalar' ? plugin.value.text : '';
  const isTyped = node.entries.some(({ key }) => key === 'deployment_type');
  if (isTyped || pluginType(written) !== undefined) return false;
  if (plugin !== undefined)
    return refuse(`There is no plugin "${quoted(written, 60)}".`, at, context);
  if (name === undefined || DEPLOYS.test(name)) return false;
  const message = `A custom step deploys, and nothing says that "${quoted(name, 60)}" does.`;
  return refuse(message, at, context);
}

function refuse(message: string, at: Place, context: ReadContext): true {
  const hint =
    'Use step_type: shell with its commands; to deploy, add deployment_type, or name it deploy…';
  context.error('UnsupportedStepType', message, at, hint);
  return true;
}

/** `local-service`: some plugins of RustCI were deployments. */
function pluginType(name: string | undefined): DeploymentType | undefined {
  return DEPLOYMENT_TYPES.find((type) => type === name?.replaceAll('-', '_'));
}
