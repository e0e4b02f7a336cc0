import { quoted } from '../../common/values/redact-urls.js';
import type { RegistryPlan } from '../plan/plan.js';
import { parseImageName } from '../steps/container/image-name.js';
import { secretName } from '../yaml/common-readers.js';
import { fields, type ReadContext, type Reader, wrongType } from '../yaml/reader.js';

const MAX_REGISTRIES = 20;
const EXPECTS = 'a map of hosts to { username, password }';

export const registryTable = {
  name: 'a registry',
  fields: { username: secretName, password: secretName },
  required: ['username', 'password'],
  habits: {
    user: 'Write username',
    pass: 'Write password',
    token: 'Write password',
    secret: 'Write password',
  },
} as const;

const login = fields(registryTable);

/**
 * `registries: { HOST: { username: SECRET, password: SECRET } }`. Hosts stand in the file: no
 * expression chooses who gets a password.
 */
export const registries: Reader<RegistryPlan[]> = {
  expects: EXPECTS,
  schema: { type: 'object', additionalProperties: login.schema, maxProperties: MAX_REGISTRIES },
  read: (node, path, context) => {
    if (node.kind !== 'map') return wrongType(node, path, context, EXPECTS);
    if (node.entries.length > MAX_REGISTRIES) {
      const message = `There are more than ${MAX_REGISTRIES} registries.`;
      context.error('out_of_range', message, { path, offset: node.start });
    }
    const found = new Map<string, RegistryPlan>();
    for (const { key, keyStart, value } of node.entries.slice(0, MAX_REGISTRIES)) {
      const at = { path: [...path, key], offset: keyStart };
      const registry = hostOf(key, at, context);
      const secrets = login.read(value, at.path, context);
      if (registry === undefined || secrets === undefined) continue;
      if (found.has(registry)) {
        const message = `"${quoted(key, 100)}" is ${registry}, which stands there already.`;
        context.error('duplicate_name', message, at, 'Remove one of them');
      }
      const { username = '', password = '' } = secrets;
      found.set(registry, { registry, username, password });
    }
    return [...found.values()];
  },
};

function hostOf(
  text: string,
  at: Parameters<ReadContext['error']>[2],
  context: ReadContext,
): string | undefined {
  // By the rules of images: a word without dot and port is a folder on docker.io.
  const name = text.includes('/') ? undefined : parseImageName(`${text}/image`);
  if (name?.repository === 'image') return name.registry;
  if (name?.registry === 'docker.io' && name.repository === 'library/image') return name.registry;
  const message = `"${quoted(text, 100)}" is no host of a registry.`;
  context.error('invalid_registry', message, at, 'Write it as ghcr.io or registry.example:5000');
  return undefined;
}
