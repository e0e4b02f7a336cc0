import { nameRecord } from '../../../common/values/name-record.js';
import { quoted } from '../../../common/values/redact-urls.js';
import { secrets, workspacePath } from '../../yaml/common-readers.js';
import { environment as variables } from '../../yaml/environment-reader.js';
import { template } from '../../yaml/expression-readers.js';
import { globs } from '../../yaml/glob-reader.js';
import type { YamlPath } from '../../yaml/problem.js';
import {
  fields,
  type Place,
  type ReadContext,
  type Reader,
  type ReadValue,
  wrongType,
} from '../../yaml/reader.js';
import type { YamlMap } from '../../yaml/yaml-tree.js';
import { choice, duration, flag, integer, listOf, text } from '../../yaml/value-readers.js';
import { containerKeys } from '../container/container-keys.js';
import {
  DEFAULT_KEEP,
  DEPLOY_KIND,
  DEPLOYMENT_TYPES,
  type DeploymentType,
} from './deploy-action.js';
import { defaultGate, gateReader, LOOPBACK, publishReader, tcpPort } from './published-reader.js';
import type { DeployDraft } from './deploy-draft.js';
import { isServiceName } from './service-name.js';
import { sshReader } from './ssh-reader.js';

const MOST_KEPT = 100;
const MOST_SHARED = 50;
const MOST_DRAIN_MS = 3_600_000;
const DRAIN_MS = 10_000;

function nameReader(expects: string): Reader<string> {
  return template({
    expects,
    max: 500,
    oneLine: true,
    check: (value) =>
      isServiceName(value)
        ? undefined
        : [
            'invalid_name',
            `"${quoted(value, 80)}" is not ${expects}.`,
            'Use at most 63 small letters, digits and hyphens, as in shop-api',
          ],
  });
}

const targetPath = template({
  expects: 'a folder on the host',
  max: 1024,
  oneLine: true,
  check: (value) =>
    value.split('/').includes('..') || value.startsWith('~')
      ? [
          'invalid_path',
          `"${quoted(value, 100)}" is no folder that can be deployed to.`,
          'Write it whole, as /srv/www/shop, or relative to the first of DEPLOY_FOLDERS',
        ]
      : undefined,
});

const sharedFolder = text({
  expects: 'a folder inside a release',
  max: 500,
  oneLine: true,
  check: (value) => {
    const names = value.replace(/\/$/, '').split('/');
    const isInside = names.every((name) => name !== '' && name !== '.' && name !== '..');
    if (isInside && !/[*?[\]{}!\\]/.test(value)) return undefined;
    const message = `"${quoted(value, 100)}" is no folder inside a release.`;
    return ['invalid_path', message, 'Write it relative to the release: public/uploads'];
  },
});

/** `0755`, as people write modes; YAML takes it for a decimal number, so the digits count. */
const mode: Reader<number> = {
  expects: 'permissions in octal digits, such as "0644"',
  read: (node, path, context) => {
    if (node.kind !== 'scalar' || !/^0?[0-7]{3}$/.test(node.text)) {
      return wrongType(node, path, context, mode.expects);
    }
    return Number.parseInt(node.text, 8);
  },
};

export const permissionsTable = {
  name: 'permissions',
  fields: { files: mode, folders: mode },
  habits: {
    owner: 'Files of a release belong to the server, so that the service cannot change them',
    user: 'Files of a release belong to the server, so that the service cannot change them',
    directories: 'Write folders',
    dirs: 'Write folders',
    file: 'Write files',
  },
} as const;

const program = text({ expects: 'a program or argument', min: 0, max: 4096 });

/** Keys of `deploy`. */
export const deployTable = {
  name: 'deploy',
  fields: {
    type: choice(DEPLOYMENT_TYPES, {
      habits: {
        directory: 'local_directory',
        local: 'local_directory',
        folder: 'local_directory',
        docker: 'docker_container',
        container: 'docker_container',
        image: 'docker_container',
      },
    }),
    service: nameReader('the name of a service'),
    environment: nameReader('the name of an environment'),
    keep: integer(1, MOST_KEPT),
    allow_older: flag(),
    path: targetPath,
    ssh: sshReader,
    source: workspacePath,
    exclude: globs,
    shared: listOf(sharedFolder, { max: MOST_SHARED, single: true }),
    permissions: fields(permissionsTable),
    image: containerKeys.image.reader,
    pull: containerKeys.pull.reader,
    command: listOf(program, { max: 100, single: true }),
    port: tcpPort,
    publish: publishReader,
    variables,
    secrets,
    gate: gateReader,
    drain: duration(0, MOST_DRAIN_MS),
    cpus: containerKeys.cpus.reader,
    memory: containerKeys.memory.reader,
    pids: containerKeys.pids.reader,
  },
  required: ['type', 'service'],
  habits: {
    name: 'Write service',
    app: 'Write service',
    host: 'Write ssh: { host, user, key, known_hosts }',
    server: 'Write ssh: { host, user, key, known_hosts }',
    target: 'Write path',
    directory: 'Write path',
    destination: 'Write path',
    folder: 'Write path',
    to: 'Write path',
    from: 'Write source',
    files: 'Write source',
    keep_releases: 'Write keep',
    shared_folders: 'Write shared',
    linked_dirs: 'Write shared',
    env: 'Write variables for what runs, and environment for the environment',
    ports: 'Write port for that in the container, and publish for that of the host',
    domain: 'Write publish: { domain: shop.example }',
    healthcheck: 'Write gate',
    health: 'Write gate',
    health_check: 'Write gate',
    grace_period: 'Write drain',
    volumes: 'Keep what must stay in a service of its own: releases share no volume',
  },
} as const;

/** Which keys are of one type of deployment alone. */
const KEYS_OF: Readonly<Record<DeploymentType, readonly string[]>> = {
  local_directory: ['path', 'ssh', 'source', 'exclude', 'shared', 'permissions'],
  docker_container: [
    ...['image', 'pull', 'command', 'port', 'publish', 'variables', 'secrets', 'gate', 'drain'],
    ...['cpus', 'memory', 'pids'],
  ],
};

const settings = fields(deployTable);

type DeployValues = NonNullable<ReadValue<typeof settings>>;
type Common = Pick<DeployDraft, 'kind' | 'service' | 'environment' | 'keep' | 'allowOlder'>;

/** A deployment as it is read. */
export const deployReader: Reader<DeployDraft> = {
  expects: settings.expects,
  read: (node, path, context) => {
    const values = settings.read(node, path, context);
    const { type, service } = values ?? {};
    if (values === undefined || type === undefined || service === undefined) return undefined;
    const at = { path, offset: node.start };
    if (node.kind === 'map' && refusesKeys(type, node, path, context)) return undefined;
    const { environment = 'default', keep = DEFAULT_KEEP, allow_older: allowOlder } = values;
    const common: Common = {
      ...{ kind: DEPLOY_KIND, service, environment, keep },
      ...(allowOlder === true && { allowOlder }),
    };
    return type === 'local_directory'
      ? directoryOf(common, values, at, context)
      : containerOf(common, values, at, context);
  },
};

/** Whether there are keys of another type. */
function refusesKeys(
  type: DeploymentType,
  { entries }: YamlMap,
  path: YamlPath,
  context: ReadContext,
): boolean {
  const others = DEPLOYMENT_TYPES.filter((one) => one !== type);
  let isRefused = false;
  for (const { key, keyStart } of entries) {
    const owner = others.find((one) => KEYS_OF[one].includes(key));
    if (owner === undefined) continue;
    isRefused = true;
    const message = `"${key}" is of type ${owner}.`;
    const place = { path: [...path, key], offset: keyStart };
    context.error('conflicting_keys', message, place, `Write type: ${owner}, or remove the key`);
  }
  return isRefused;
}

function directoryOf(
  common: Common,
  values: DeployValues,
  at: Place,
  context: ReadContext,
): DeployDraft | undefined {
  const { source = '.', exclude, shared, permissions, ssh } = values;
  if (ssh && !isWholePath(values.path)) {
    const message = 'On another host the folder is named whole.';
    const place = { path: [...at.path, 'ssh'], offset: at.offset };
    context.error('invalid_path', message, place, 'Add path: /srv/www/<service>');
    return undefined;
  }
  return {
    ...{ ...common, type: 'local_directory', source },
    path: values.path ?? common.service,
    secretUses: ssh?.uses ?? [],
    ...(ssh && { ssh: ssh.ssh }),
    ...(exclude && { exclude }),
    ...(shared && { shared: [...new Set(shared.map((name) => name.replace(/\/$/, '')))] }),
    ...(permissions && { permissions }),
  };
}

function containerOf(
  common: Common,
  values: DeployValues,
  at: Place,
  context: ReadContext,
): DeployDraft | undefined {
  const { image, port, pull, command, secrets: uses = [] } = values;
  const { cpus, memory, pids } = values;
  if (image === undefined || port === undefined) {
    const key = image === undefined ? 'image' : 'port';
    const hint =
      key === 'image'
        ? 'Add image, with the name that a step gave to what it built, or one to be pulled'
        : 'Add port, at which the program listens in the container';
    context.error('missing_key', `A docker_container needs "${key}".`, at, hint);
    return undefined;
  }
  return {
    ...{ ...common, type: 'docker_container', image, port },
    ...(pull && { pull }),
    ...(command && { command }),
    published: values.publish ?? { address: LOOPBACK },
    variables: values.variables ?? nameRecord([]),
    secrets: uses.map(({ name }) => name),
    secretUses: uses,
    gate: values.gate ?? defaultGate,
    drainMs: values.drain ?? DRAIN_MS,
    limits: {
      ...(cpus !== undefined && { cpus }),
      ...(memory !== undefined && { memory }),
      ...(pids !== undefined && { pids }),
    },
  };
}

/** What begins with an expression is looked at when it is known. */
function isWholePath(path: string | undefined): boolean {
  return path?.startsWith('/') === true || path?.startsWith('${{') === true;
}
