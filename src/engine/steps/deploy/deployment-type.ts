import { nameRecord, valueOf } from '../../../common/values/name-record.js';
import { quoted } from '../../../common/values/redact-urls.js';
import type { Reader } from '../../yaml/reader.js';
import { choice } from '../../yaml/value-readers.js';
import { DEPLOYMENT_TYPES, type DeploymentType, PART_TYPES } from './deploy-action.js';

const CLUSTER = 'Use a shell step with kubectl or helm';
const AWS = 'Use a shell step with the aws command';
const AZURE = 'Use a shell step with the az command';
const GOOGLE = 'Use a shell step with the gcloud command';
const REMOTE = 'Write local_directory, with ssh: { host, user, key, known_hosts } and path';

/** Where nothing is deployed to by such a step, with what does the same. */
const REFUSED: Readonly<Record<string, string>> = nameRecord([
  ...['kubernetes', 'k8s', 'k3s', 'helm', 'openshift'].map((name) => [name, CLUSTER] as const),
  ...['aws', 'a_w_s', 'ecs', 'eks', 'lambda', 's3'].map((name) => [name, AWS] as const),
  ...['azure', 'aks'].map((name) => [name, AZURE] as const),
  ...['gcp', 'g_c_p', 'gke', 'cloud_run'].map((name) => [name, GOOGLE] as const),
  ...['ssh', 'sftp', 'scp', 'rsync', 'ftp', 'vps', 'remote'].map((name) => [name, REMOTE] as const),
  ['heroku', 'Use a shell step with the heroku command'],
  ['terraform', 'Use a shell step with the terraform command'],
  [
    'docker_compose',
    'Use a docker_container for each service, or a shell step with docker compose',
  ],
  ['compose', 'Use a docker_container for each service, or a shell step with docker compose'],
  ['docker_swarm', 'Use a docker_container for each service'],
]);

/** What people call the types of releases. */
const RELEASES = {
  directory: 'local_directory',
  local: 'local_directory',
  folder: 'local_directory',
  docker: 'docker_container',
  container: 'docker_container',
  image: 'docker_container',
  service: 'local_service',
  process: 'local_service',
  program: 'local_service',
} as const;

export const NO_PARTS = 'A part has no parts of its own: write them all beside each other';

/** What a release is; what is done by other programs is refused with their names. */
export const deploymentType = supported(
  choice(DEPLOYMENT_TYPES, {
    habits: { ...RELEASES, unit: 'hybrid', group: 'hybrid', bundle: 'hybrid', stack: 'hybrid' },
  }),
);

/** Of a part of a unit. */
export const partType = supported(
  choice(PART_TYPES, {
    habits: RELEASES,
    adviceFor: (type) => (type === 'hybrid' ? NO_PARTS : undefined),
  }),
);

function supported<T extends DeploymentType>(known: Reader<T>): Reader<T> {
  return {
    expects: known.expects,
    schema: known.schema,
    read: (node, path, context) => {
      const written = node.kind === 'scalar' ? node.text : '';
      const instead = valueOf(REFUSED, written.toLowerCase().replaceAll('-', '_'));
      if (instead === undefined) return known.read(node, path, context);
      const message = `Deployments of the type "${quoted(written, 60)}" are not supported.`;
      context.error('UnsupportedDeploymentType', message, { path, offset: node.start }, instead);
      return undefined;
    },
  };
}
