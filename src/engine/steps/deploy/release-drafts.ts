import { nameRecord } from '../../../common/values/name-record.js';
import type { FieldValues, NameUse, Place, ReadContext } from '../../yaml/reader.js';
import type { YamlEntry } from '../../yaml/yaml-tree.js';
import { BUILD_KIND } from '../build/build-action.js';
import { compiledBuild } from '../build/build-kind.js';
import {
  type ContainerDeploy,
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
export type Written = Place & {
  readonly entries: readonly Pick<YamlEntry, 'key' | 'keyStart'>[];
};
/** Who is told what is wrong. */
export type Problems = Pick<ReadContext, 'error'>;
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
  problems: Problems,
): PartDraft | undefined {
  switch (type) {
    case 'local_directory':
      return directoryOf(common, values, at, problems);
    case 'docker_container':
      return containerOf(common, values, at, problems);
    case 'local_service':
      return serviceOf(common, values, at, problems);
  }
}

/** Whether there are keys of another type. */
export function refusesKeys(
  type: DeploymentType,
  { entries, path }: Written,
  problems: Problems,
): boolean {
  let isRefused = false;
  for (const { key, keyStart } of entries) {
    const owners = DEPLOYMENT_TYPES.filter((one) => KEYS_OF[one].includes(key));
    if (owners.length === 0 || owners.includes(type)) continue;
    isRefused = true;
    const owner = owners.join(' or ');
    const message = `"${key}" is of type ${owner}.`;
    const place = { path: [...path, key], offset: keyStart };
    problems.error('conflicting_keys', message, place, `Write type: ${owner}, or remove the key`);
  }
  return isRefused;
}

function directoryOf(
  common: CommonDraft,
  values: ReleaseValues,
  at: Written,
  problems: Problems,
): PartDraft | undefined {
  const { source, exclude, shared, permissions, ssh } = values;
  if (isUnread(values, 'source', at)) return undefined;
  if (ssh && !isWholePath(values.path)) {
    const message = 'On another host the folder is named whole.';
    const place = { path: [...at.path, 'ssh'], offset: at.offset };
    problems.error('invalid_path', message, place, 'Add path: /srv/www/<service>');
    return undefined;
  }
  return {
    ...{ ...common, type: 'local_directory' },
    ...(source !== undefined && { source }),
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
  problems: Problems,
): PartDraft | undefined {
  const { pull, command, port, cpus, memory, pids } = values;
  if (isUnread(values, 'checks', at)) return undefined;
  const made = madeOf(values, at, problems);
  if (made === undefined || isUnread(values, 'port', at)) return undefined;
  const routes = routedOf(values);
  return {
    ...{ ...common, type: 'docker_container', ...made.image },
    ...(port !== undefined && { port }),
    ...(pull && { pull }),
    ...(command && { command }),
    ...routes,
    secretUses: [...routes.secretUses, ...made.uses],
    ...(made.image.image === undefined && !values.gate && { findsGate: true }),
    limits: {
      ...(cpus !== undefined && { cpus }),
      ...(memory !== undefined && { memory }),
      ...(pids !== undefined && { pids }),
    },
  };
}

interface Made {
  readonly image: Pick<ContainerDeploy, 'image' | 'build' | 'source'>;
  readonly uses: readonly NameUse[];
}

/** Of which image it is: one that is named, or one that is built. */
function madeOf(values: ReleaseValues, at: Written, problems: Problems): Made | undefined {
  const { image, build, dockerfile, source, pull } = values;
  const unread = ['image', 'build', 'dockerfile', 'source'] as const;
  if (unread.some((key) => isUnread(values, key, at))) return undefined;
  const refuse = (message: string, hint: string): undefined => {
    problems.error('conflicting_keys', message, at, hint);
    return undefined;
  };
  const builds = Object.entries({ build, dockerfile, source }).find(([, value]) => value)?.[0];
  if (image !== undefined) {
    if (builds === undefined) return { image: { image }, uses: [] };
    const message = `An image is named, or built: "image" and "${builds}" are both given.`;
    return refuse(message, 'Remove one of them; a name for what is built is build: { tags: … }');
  }
  if (pull !== undefined) {
    return refuse(
      '"pull" is of an image that is named.',
      'Write build: { pull: always }, or image',
    );
  }
  if (build !== undefined) {
    if (dockerfile === undefined && source === undefined) {
      return { image: { build: compiledBuild(build) }, uses: build.secrets };
    }
    const message = '"dockerfile" and "source" stand beside no "build".';
    return refuse(message, 'Write build: { context: …, dockerfile: … }');
  }
  const context = source ?? '.';
  if (dockerfile === undefined) return { image: { source: context }, uses: [] };
  return { image: { build: { kind: BUILD_KIND, context, dockerfile } }, uses: [] };
}

/** What is written and cannot be read was told already. */
function isUnread(values: ReleaseValues, key: keyof ReleaseValues, at: Written): boolean {
  return values[key] === undefined && isWritten(at, key);
}

function serviceOf(
  common: CommonDraft,
  values: ReleaseValues,
  at: Written,
  problems: Problems,
): PartDraft | undefined {
  const { run, source = '.', exclude, memory, secrets = [] } = values;
  const { port_variable: portVariable = DEFAULT_PORT_VARIABLE, variables = {} } = values;
  if (isUnread(values, 'run', at) || isUnread(values, 'checks', at)) return undefined;
  const ofContainer = values.checks?.find(({ type }) => type === 'container');
  if (ofContainer) {
    const message = `The check "${ofContainer.name}" is of containers, and there is none.`;
    const hint = 'Write type: exec with a command; that the program runs is looked at anyway';
    problems.error('conflicting_keys', message, at, hint);
    return undefined;
  }
  const isGiven =
    Object.hasOwn(variables, portVariable) || secrets.some(({ name }) => name === portVariable);
  if (isGiven) {
    const message = `"${portVariable}" tells the program its port, which is chosen for each release.`;
    const hint = 'Leave it out, or name another port_variable';
    problems.error('conflicting_keys', message, at, hint);
    return undefined;
  }
  return {
    ...{ ...common, type: 'local_service', source, portVariable },
    ...(run !== undefined && { run }),
    ...(exclude && { exclude }),
    ...routedOf(values),
    ...(memory !== undefined && { memory }),
  };
}

export function isWritten({ entries }: Written, name: string): boolean {
  return entries.some(({ key }) => key === name);
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
    ...(values.keep_assets !== undefined && { keepAssetsMs: values.keep_assets }),
    ...(values.before_switch !== undefined && { beforeSwitch: values.before_switch }),
    ...(values.watch !== undefined && { watchMs: values.watch }),
    ...(values.restart && { restart: values.restart }),
    ...(values.on_failure && { onFailure: values.on_failure }),
    ...(values.checks && { checks: values.checks }),
  };
}

/** What begins with an expression is looked at when it is known. */
function isWholePath(path: string | undefined): boolean {
  return path?.startsWith('/') === true || path?.startsWith('${{') === true;
}
