import { quoted } from '../../../common/values/redact-urls.js';
import { secrets, workspacePath } from '../../yaml/common-readers.js';
import { environment as variables } from '../../yaml/environment-reader.js';
import { template } from '../../yaml/expression-readers.js';
import { globs } from '../../yaml/glob-reader.js';
import { fields, type Reader, wrongType } from '../../yaml/reader.js';
import { duration, fitting, listOf, text } from '../../yaml/value-readers.js';
import { buildReader } from '../build/build-keys.js';
import { containerKeys } from '../container/container-keys.js';
import type { DeploymentType } from './deploy-action.js';
import { checksReader } from './checks-reader.js';
import { onFailureReader, portVariable, restartReader, startCommand } from './program-readers.js';
import { gateReader, publishReader, tcpPort } from './published-reader.js';
import { SERVICE_NAME } from './service-name.js';
import { sshReader } from './ssh-reader.js';

const MOST_SHARED = 50;
const MOST_DRAIN_MS = 3_600_000;
const MOST_WATCH_MS = 3_600_000;
const MOST_ASSETS_MS = 86_400_000;

export function nameReader(expects: string): Reader<string> {
  return template({
    expects,
    max: 500,
    oneLine: true,
    ...fitting(SERVICE_NAME, (value) => [
      'invalid_name',
      `"${quoted(value, 80)}" is not ${expects}.`,
      'Use at most 63 small letters, digits and hyphens, as in shop-api',
    ]),
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

const MODE = /^0?[0-7]{3}$/;

/** `0755`, as people write modes; YAML takes it for a decimal number, so the digits count. */
const mode: Reader<number> = {
  expects: 'permissions in octal digits, such as "0644"',
  schema: { type: ['string', 'integer'], pattern: MODE.source },
  read: (node, path, context) => {
    if (node.kind !== 'scalar' || !MODE.test(node.text)) {
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

const argument = text({ expects: 'a program or argument', min: 0, max: 4096 });

export const serviceName = nameReader('the name of a service');

/** Keys of releases: each type has some of them. */
export const releaseKeys = {
  path: targetPath,
  ssh: sshReader,
  source: workspacePath,
  exclude: globs,
  shared: listOf(sharedFolder, { max: MOST_SHARED, single: true }),
  permissions: fields(permissionsTable),
  image: containerKeys.image.reader,
  build: buildReader,
  dockerfile: workspacePath,
  pull: containerKeys.pull.reader,
  command: listOf(argument, { max: 100, single: true }),
  port: tcpPort,
  publish: publishReader,
  variables,
  secrets,
  gate: gateReader,
  drain: duration(0, MOST_DRAIN_MS),
  keep_assets: duration(1_000, MOST_ASSETS_MS),
  before_switch: startCommand,
  watch: duration(1_000, MOST_WATCH_MS),
  on_failure: onFailureReader,
  checks: checksReader,
  cpus: containerKeys.cpus.reader,
  memory: containerKeys.memory.reader,
  pids: containerKeys.pids.reader,
  run: startCommand,
  port_variable: portVariable,
  restart: restartReader,
} as const;

/** What people write for those. */
export const keyHabits = {
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
  healthcheck: 'Write gate for what must answer before it serves, and checks for later',
  health: 'Write gate for what must answer before it serves, and checks for later',
  health_check: 'Write gate for what must answer before it serves, and checks for later',
  health_checks: 'Write checks',
  check: 'Write checks',
  grace_period: 'Write drain',
  asset_path: 'Write keep_assets: 10m',
  migrate: 'Write before_switch',
  migrations: 'Write before_switch',
  release_command: 'Write before_switch',
  pre_deploy: 'Write before_switch',
  rollback_on_failure: 'Write on_failure: rollback, or watch: 60s',
  auto_rollback: 'Write watch: 60s',
  start: 'Write run',
  start_command: 'Write run',
  cmd: 'Write run, or command for a container',
  port_env: 'Write port_variable',
  restart_policy: 'Write restart: { max: 5, window: 60s }',
  context: 'Write source, or build: { context: … }',
  file: 'Write dockerfile',
  volumes: 'Keep what must stay in a service of its own: releases share no volume',
} as const;

/** Which keys are not of every type of deployment, by type. */
export const KEYS_OF: Readonly<Record<DeploymentType, readonly string[]>> = {
  local_directory: ['path', 'ssh', 'source', 'exclude', 'shared', 'permissions'],
  docker_container: [
    ...['image', 'build', 'dockerfile', 'source', 'pull', 'command', 'port', 'publish'],
    ...['variables', 'secrets', 'gate', 'drain', 'keep_assets', 'before_switch', 'watch'],
    ...['on_failure', 'restart', 'checks'],
    ...['cpus', 'memory', 'pids'],
  ],
  local_service: [
    ...['run', 'source', 'exclude', 'port_variable', 'restart', 'publish', 'variables', 'secrets'],
    ...['gate', 'drain', 'keep_assets', 'before_switch', 'watch', 'on_failure', 'checks', 'memory'],
  ],
  hybrid: ['parts'],
};
