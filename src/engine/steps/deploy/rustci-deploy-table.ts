import type { Environment } from '../../plan/plan.js';
import { workspacePath } from '../../yaml/common-readers.js';
import { environment as variables } from '../../yaml/environment-reader.js';
import { either } from '../../yaml/json-schema.js';
import { fields, type Reader, type ReadValue } from '../../yaml/reader.js';
import { text } from '../../yaml/value-readers.js';
import { deployTable } from './deploy-table.js';

const { type: deploymentType, environment: environmentName, ...keys } = deployTable.fields;

/** The name of an environment; or variables of the step, as in other steps of that form. */
const environment: Reader<string | Environment> = {
  expects: `${environmentName.expects}, or ${variables.expects}`,
  schema: either(environmentName.schema, variables.schema),
  read: (node, path, context) =>
    node.kind === 'scalar'
      ? environmentName.read(node, path, context)
      : variables.read(node, path, context),
};

/** Keys of the `config` of a custom step. */
export const rustciDeployTable = {
  name: 'the config of a custom step',
  fields: {
    deployment_type: deploymentType,
    plugin_name: text({ expects: 'a name', max: 100 }),
    environment,
    build_context: workspacePath,
    ...keys,
  },
  habits: {
    ...deployTable.habits,
    type: 'Write deployment_type',
    script: 'Write run',
    env: 'Write environment, as a map',
    ports: 'Write PORTS: "8000:3000" in environment, or port and publish',
    target_directory: 'Write path',
    image_name: 'Write image',
    registry: 'Write the host in front of the name of the image',
    namespace: 'Use step_type: shell with kubectl or helm',
  },
} as const;

export const rustciDeployConfig = fields(rustciDeployTable);
export type RustciDeployValues = NonNullable<ReadValue<typeof rustciDeployConfig>>;
