import { nameRecord } from '../../../common/values/name-record.js';
import type { YamlPath } from '../../yaml/problem.js';
import type { FieldValues, Place, ReadContext } from '../../yaml/reader.js';
import type { YamlMap } from '../../yaml/yaml-tree.js';
import {
  DEFAULT_PORT_VARIABLE,
  DEPLOYMENT_TYPES,
  type DeploymentType,
  type PartType,
  type RoutedDeploy,
} from './deploy-action.js';
import type { DeployDraft, PartDraft } from './deploy-draft.js';
import { defaultGate, LOOPBACK } from './published-reader.js';
import { KEYS_OF, type releaseKeys } from './release-keys.js';

const DRAIN_MS = 10_000;

type ReleaseValues = FieldValues<typeof releaseKeys>;
/** A deployment in the text, with the keys that are written there. */
export type Written = Place & { readonly keys: readonly string[] };
export type CommonDraft = Pick<
  DeployDraft,
  'kind' | 'service' | 'environment' | 'keep' | 'allowOlder'
>;

/** Releases of one type as they are read; undefined: not readable, the problems are told. */
export function releaseDraft(
  type: PartType,
  common: CommonDraft,
  values: ReleaseValues,
  at: Written,
  context: ReadContext,
): PartDraft | undefined {
  switch (type) {
    case 'local_directory':
      return directoryOf(common, values, at, context);
    case 'docker_container':
      return containerOf(common, values, at, context);
    case 'local_service':
      return serviceOf(common, values, at, context);
  }
}

/** Whether there are keys of another type. */
export function refusesKeys(
  type: DeploymentType,
  { entries }: YamlMap,
  path: YamlPath,
  context: ReadContext,
): boolean {
  let isRefused = false;
  for (const { key, keyStart } of entries) {
    const owners = DEPLOYMENT_TYPES.filter((one) => KEYS_OF[one].includes(key));
    if (owners.length === 0 || owners.includes(type)) continue;
    isRefused = true;
    const owner = owners.join(' or ');
    const message = `"${key}" is of type ${owner}.`;
    const place = { path: [...path, key], offset: keyStart };
    context.error('conflicting_keys', message, place, `Write type: ${owner}, or remove the key`);
  }
  return isRefused;
}

function directoryOf(
  common: CommonDraft,
  values: ReleaseValues,
  at: Written,
  context: ReadContext,
): PartDraft | undefined {
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
  common: CommonDraft,
  values: ReleaseValues,
  at: Written,
  context: ReadContext,
): PartDraft | undefined {
  const { image, port, pull, command, cpus, memory, pids } = values;
  if (image === undefined || port === undefined) {
    const key = image === undefined ? 'image' : 'port';
    // What is written and cannot be read was told already.
    if (at.keys.includes(key)) return undefined;
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
    ...routedOf(values),
    limits: {
      ...(cpus !== undefined && { cpus }),
      ...(memory !== undefined && { memory }),
      ...(pids !== undefined && { pids }),
    },
  };
}

function serviceOf(
  common: CommonDraft,
  values: ReleaseValues,
  at: Written,
  context: ReadContext,
): PartDraft | undefined {
  const { run, source = '.', exclude, memory, restart, secrets = [] } = values;
  const { port_variable: portVariable = DEFAULT_PORT_VARIABLE, variables = {} } = values;
  if (run === undefined && at.keys.includes('run')) return undefined;
  const isGiven =
    Object.hasOwn(variables, portVariable) || secrets.some(({ name }) => name === portVariable);
  if (isGiven) {
    const message = `"${portVariable}" tells the program its port, which is chosen for each release.`;
    const hint = 'Leave it out, or name another port_variable';
    context.error('conflicting_keys', message, at, hint);
    return undefined;
  }
  return {
    ...{ ...common, type: 'local_service', source, portVariable },
    ...(run !== undefined && { run }),
    ...(exclude && { exclude }),
    ...routedOf(values),
    ...(memory !== undefined && { memory }),
    ...(restart && { restart }),
  };
}

/** What all programs behind the proxy have. */
function routedOf(values: ReleaseValues): RoutedDeploy & Pick<PartDraft, 'secretUses'> {
  const { secrets: uses = [] } = values;
  return {
    published: values.publish ?? { address: LOOPBACK },
    variables: values.variables ?? nameRecord([]),
    secrets: uses.map(({ name }) => name),
    secretUses: uses,
    gate: values.gate ?? defaultGate,
    drainMs: values.drain ?? DRAIN_MS,
    ...(values.before_switch !== undefined && { beforeSwitch: values.before_switch }),
    ...(values.watch !== undefined && { watchMs: values.watch }),
  };
}

/** What begins with an expression is looked at when it is known. */
function isWholePath(path: string | undefined): boolean {
  return path?.startsWith('/') === true || path?.startsWith('${{') === true;
}
