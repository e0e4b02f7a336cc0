import { quoted } from '../../../common/values/redact-urls.js';
import { workspacePath } from '../../yaml/common-readers.js';
import { template } from '../../yaml/expression-readers.js';
import { globs } from '../../yaml/glob-reader.js';
import { fields, type Reader, wrongType } from '../../yaml/reader.js';
import { choice, flag, integer, listOf, text } from '../../yaml/value-readers.js';
import { DEFAULT_KEEP, DEPLOY_KIND, DEPLOYMENT_TYPES } from './deploy-action.js';
import type { DeployDraft } from './deploy-draft.js';
import { isServiceName } from './service-name.js';
import { sshReader } from './ssh-reader.js';

const MOST_KEPT = 100;
const MOST_SHARED = 50;

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

/** Keys of `deploy`. */
export const deployTable = {
  name: 'deploy',
  fields: {
    type: choice(DEPLOYMENT_TYPES, {
      habits: { directory: 'local_directory', local: 'local_directory', folder: 'local_directory' },
    }),
    service: nameReader('the name of a service'),
    environment: nameReader('the name of an environment'),
    path: targetPath,
    ssh: sshReader,
    source: workspacePath,
    exclude: globs,
    keep: integer(1, MOST_KEPT),
    shared: listOf(sharedFolder, { max: MOST_SHARED, single: true }),
    permissions: fields(permissionsTable),
    allow_older: flag(),
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
    env: 'Write environment for the environment; variables belong to what runs',
  },
} as const;

const settings = fields(deployTable);

/** A deployment as it is read. */
export const deployReader: Reader<DeployDraft> = {
  expects: settings.expects,
  read: (node, path, context) => {
    const values = settings.read(node, path, context);
    const { type, service } = values ?? {};
    if (values === undefined || type === undefined || service === undefined) return undefined;
    const { environment = 'default', source = '.', keep = DEFAULT_KEEP } = values;
    const { exclude, shared, permissions, allow_older: allowOlder, ssh } = values;
    if (ssh && !isWholePath(values.path)) {
      const message = 'On another host the folder is named whole.';
      const place = { path: [...path, 'ssh'], offset: node.start };
      context.error('invalid_path', message, place, 'Add path: /srv/www/<service>');
      return undefined;
    }
    return {
      kind: DEPLOY_KIND,
      ...{ type, service, environment, source, keep },
      path: values.path ?? service,
      secretUses: ssh?.uses ?? [],
      ...(ssh && { ssh: ssh.ssh }),
      ...(exclude && { exclude }),
      ...(shared && { shared: [...new Set(shared.map((name) => name.replace(/\/$/, '')))] }),
      ...(permissions && { permissions }),
      ...(allowOlder === true && { allowOlder }),
    };
  },
};

/** What begins with an expression is looked at when it is known. */
function isWholePath(path: string | undefined): boolean {
  return path?.startsWith('/') === true || path?.startsWith('${{') === true;
}
