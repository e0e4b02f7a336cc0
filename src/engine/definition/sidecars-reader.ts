import { quoted } from '../../common/values/redact-urls.js';
import { DEFAULT_READY, type ReadyPlan, type ReadyProbe } from '../plan/sidecar-plan.js';
import { containerKeys, settingsOf } from '../steps/container/container-keys.js';
import { NO_IMAGE } from '../steps/container/container-settings.js';
import { meaningsOf, readersOf, type StepKeys } from '../steps/step-kind.js';
import { needs, secrets, urlPath } from '../yaml/common-readers.js';
import { environment } from '../yaml/environment-reader.js';
import {
  fields,
  wrongType,
  type FieldValues,
  type Place,
  type ReadContext,
  type Reader,
} from '../yaml/reader.js';
import { either } from '../yaml/json-schema.js';
import { advised, duration, integer, listOf, text } from '../yaml/value-readers.js';
import type { YamlPath } from '../yaml/problem.js';
import type { YamlMap, YamlNode } from '../yaml/yaml-tree.js';
import type { SidecarDefinition } from './definition.js';

export const MAX_SIDECARS = 20;
const EXPECTS = 'a map of names to sidecars';
const BY_NAME = 'Write it as db: { image: postgres:17 }';
/** One label of a host name (RFC 1123), in lower case: variables are named by it, too. */
const HOST_NAME = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;
const SHELL = ['/bin/sh', '-c'];

const PROBES: readonly string[] = ['exec', 'tcp', 'http'];

const portNumber = integer(1, 65_535);

/** `5432:5432` of other systems: a port of the machine, and one of the container. */
const port = advised(portNumber, (node) => {
  if (node.kind !== 'scalar') return undefined;
  const [, own] = /^(?:[0-9.]*:)?[0-9]+:([0-9]{1,5})(?:\/tcp)?$/.exec(node.text) ?? [];
  return own === undefined ? undefined : `Write ${own} alone: no port of the machine is used`;
});

/** What the engine runs as it is: values of expressions reach it by variables alone. */
const fixed = (expects: string, max: number): Reader<string> =>
  text({
    expects,
    min: 0,
    max,
    check: (value) =>
      value.includes('${{')
        ? [
            'misplaced_expression',
            `Expected ${expects} without an expression.`,
            'Write it into environment, and read the variable in a command of a shell',
          ]
        : undefined,
  });

const words = listOf(fixed('a program or argument', 4096), { min: 1, max: 100, single: true });

const oneCommand = fixed('a command', 100_000);

/** Words of a command as people write it, with their quotes. */
const WORDS = /"[^"]*"|'[^']*'|\S+/g;

function bare(word: string): string {
  return word.replace(/^(["'])(.*)\1$/s, '$2');
}

/**
 * Warns where the words of a command stand in one text that no shell reads: the engine takes all of
 * them for the name of one program, or for one argument.
 */
function warnOfOneText(
  entry: YamlMap['entries'][number],
  path: YamlPath,
  context: ReadContext,
): void {
  const { key, value } = entry;
  const isOneOfList = value.kind === 'list' && value.items.length === 1;
  const only = isOneOfList ? value.items[0] : value;
  if (only?.kind !== 'scalar' || !/\S\s+\S/.test(only.text) || only.text.includes('${{')) return;
  const list = (only.text.match(WORDS) ?? []).map((word) => JSON.stringify(bare(word)));
  const message = `No shell reads "${key}": the whole text is one ${key === 'command' ? 'argument' : 'program'}.`;
  const at = { path: [...path, key], offset: value.start };
  context.warn('one_text', message, at, `Write ${key}: [${quoted(list.join(', '), 200)}]`);
}

/** Of a sidecar or `ready`; with an entrypoint, which may be a shell, one argument may be meant. */
function warnOfTexts(node: YamlMap, path: YamlPath, context: ReadContext): void {
  const hasEntrypoint = node.entries.some(({ key }) => key === 'entrypoint');
  for (const entry of node.entries) {
    const { key, value } = entry;
    const isRead =
      key === 'entrypoint' ||
      (key === 'command' && !hasEntrypoint) ||
      (key === 'exec' && value.kind === 'list');
    if (isRead) warnOfOneText(entry, path, context);
  }
}

/** A list is a program with its arguments, a text a command of the shell. */
const probeCommand: Reader<readonly string[]> = {
  expects: 'a command, or a list of a program and its arguments',
  schema: either(oneCommand.schema, words.schema),
  read: (node, path, context) => {
    if (node.kind === 'list') return words.read(node, path, context);
    const line = oneCommand.read(node, path, context);
    return line === undefined ? undefined : [...SHELL, line];
  },
};

/** Keys of `ready`, with their rows in the table of docs/pipeline-yaml.md. */
export const readyKeys = {
  exec: {
    reader: probeCommand,
    value: 'command, or list of a program and its arguments',
    default: 'none',
    meaning: 'runs in the sidecar; passes with exit code 0',
  },
  tcp: {
    reader: port,
    value: 'port',
    default: 'none',
    meaning: 'passes when it takes a connection',
  },
  http: {
    reader: urlPath,
    value: 'path, at the first `port`',
    default: 'none',
    meaning: 'a GET; passes with a status of 200 to 399',
  },
  interval: {
    reader: duration(100, 60_000),
    value: 'duration, 100 ms to 1 min',
    default: '1s',
    meaning: 'between two probes',
  },
  timeout: {
    reader: duration(1_000, 3_600_000),
    value: 'duration, 1 s to 1 h',
    default: '60s',
    meaning: 'from its start until it is ready; a pull does not count',
  },
} as const satisfies StepKeys;

export const readyTable = {
  name: 'ready',
  fields: readersOf(readyKeys),
  meanings: meaningsOf(readyKeys),
  /** Two probes would have to be told apart where neither passes. */
  groups: [
    {
      keys: PROBES,
      none: ['missing_key', 'ready needs "exec", "tcp" or "http".', 'Add one of them'],
      several: [
        'conflicting_keys',
        'ready has one of "exec", "tcp" and "http".',
        'Leave one of them',
      ],
    },
  ],
  habits: {
    cmd: 'Write exec',
    command: 'Write exec',
    test: 'Write exec',
    run: 'Write exec',
    port: 'Write tcp',
    url: 'Write http, with a path',
    path: 'Write http',
    retries: 'Write timeout: it is tried until then',
    start_period: 'Write timeout',
  },
} as const;

type ReadyValues = FieldValues<(typeof readyTable)['fields']>;

const readyFields = fields(readyTable);

const ready: Reader<ReadyValues> = {
  expects: readyFields.expects,
  schema: readyFields.schema,
  read: (node, path, context) => {
    const values = readyFields.read(node, path, context);
    if (values === undefined || node.kind !== 'map') return undefined;
    warnOfTexts(node, path, context);
    return values;
  },
};

const { image, user, platform, pull, cpus, memory, pids, shm_size: shmSize } = containerKeys;

/** Keys of a sidecar, with their rows in the table of docs/pipeline-yaml.md. */
export const sidecarKeys = {
  image: {
    ...image,
    value: 'name of an image',
    default: 'required',
    meaning: 'the sidecar runs in a container of it',
  },
  entrypoint: {
    reader: words,
    value: 'program, or list with its arguments',
    default: "the image's own",
    meaning: 'what is run',
  },
  command: {
    reader: words,
    value: 'argument, or list of them',
    default: "the image's own",
    meaning: 'arguments of the entrypoint; no shell reads them',
  },
  environment: {
    reader: environment,
    value: 'map, or list of `NAME=value`',
    default: 'none',
    meaning: 'all variables beside those of the image; texts may read `env`',
  },
  secrets: {
    reader: secrets,
    value: 'list of names',
    default: 'none',
    meaning: 'which it gets as variables; it gets no others',
  },
  port: {
    reader: listOf(port, { min: 1, max: 20, single: true }),
    value: 'port, or list of ports',
    default: 'none',
    meaning: 'where it listens; `ports` is the same',
  },
  ready: {
    reader: ready,
    value: 'map: one of `exec`, `tcp`, `http`',
    default: "the image's own check",
    meaning: 'what is waited for',
  },
  needs: {
    reader: needs,
    value: 'name, or list of sidecars',
    default: 'none',
    meaning: 'those that must be ready first',
  },
  ...{ user, platform, pull, cpus, memory, pids, shm_size: shmSize },
} as const satisfies StepKeys;

export const sidecarTable = {
  name: 'a sidecar',
  fields: readersOf(sidecarKeys),
  meanings: meaningsOf(sidecarKeys),
  required: ['image'],
  same: { ports: 'port' },
  habits: {
    run: 'Write command',
    script: 'Write command',
    cmd: 'Write command',
    args: 'Write command',
    env: 'Write environment',
    variables: 'Write environment',
    healthcheck: 'Write ready',
    health: 'Write ready',
    wait: 'Write ready',
    depends_on: 'Write needs',
    name: 'The name is the key: sidecars: { db: { image: … } }',
    alias: 'The name of a sidecar is its host name',
    hostname: 'The name of a sidecar is its host name',
    volumes: 'A sidecar sees no files of the worker, and what it writes is gone with it',
    tmpfs: 'A sidecar sees no files of the worker, and what it writes is gone with it',
    privileged: 'No container has more rights than others',
    cap_add: 'A worker gives rights (CONTAINER_CAPABILITIES): choose one by runs_on',
    pull_policy: 'Write pull',
    options: 'Write memory, cpus and the other keys of containers',
    mounts: 'A sidecar sees no files of the worker, and what it writes is gone with it',
    network: 'A sidecar is in the network of the steps',
    networks: 'A sidecar is in the network of the steps',
    restart: 'A sidecar starts once: retry belongs to the steps that need it',
    build: 'Build it in a step with build, and push it: a sidecar starts before the steps',
  },
} as const;

/** `db: postgres:17` names an image alone. */
const sidecarFields = advised(fields(sidecarTable), (node) =>
  node.kind === 'map' ? undefined : BY_NAME,
);

/** `sidecars: { NAME: { image: … } }`. A name is the host name by which steps reach it. */
export const sidecars: Reader<SidecarDefinition[]> = {
  expects: EXPECTS,
  schema: {
    type: 'object',
    propertyNames: { pattern: HOST_NAME.source },
    additionalProperties: sidecarFields.schema,
    maxProperties: MAX_SIDECARS,
  },
  read: (node, path, context) => {
    if (node.kind !== 'map') return wrongType(node, path, context, EXPECTS, BY_NAME);
    if (node.entries.length > MAX_SIDECARS) {
      const message = `There are more than ${MAX_SIDECARS} sidecars.`;
      context.error('out_of_range', message, { path, offset: node.start });
    }
    return node.entries.slice(0, MAX_SIDECARS).flatMap(({ key, keyStart, value }) => {
      const at = { path: [...path, key], offset: keyStart };
      return readSidecar(key, at, value, context) ?? [];
    });
  },
};

function readSidecar(
  name: string,
  at: Place,
  node: YamlNode,
  context: ReadContext,
): SidecarDefinition | undefined {
  if (!HOST_NAME.test(name) || name === 'localhost') {
    const message = `"${quoted(name, 100)}" cannot be the host name of a sidecar.`;
    const hint = 'Use lower case letters, digits and -, at most 63, a letter first';
    context.error('invalid_name', message, at, hint);
  }
  const values = sidecarFields.read(node, at.path, context);
  if (node.kind === 'map') warnOfTexts(node, at.path, context);
  if (values?.image === undefined) return undefined;
  const { image: imageName, port: ports = [], command } = values;
  if (imageName === NO_IMAGE) {
    const message = `The sidecar "${quoted(name, 63)}" has no image.`;
    context.error('missing_image', message, at, 'Write image: postgres:17');
  }
  return {
    name,
    place: { name, ...at },
    needs: values.needs ?? [],
    environment: values.environment ?? {},
    secrets: values.secrets ?? [],
    ports,
    ...(command && { command }),
    ...(values.ready && { ready: readyOf(values.ready, ports[0], at, context) }),
    container: { ...settingsOf(values), image: imageName },
  };
}

/** Undefined: a problem was told. A check by HTTP asks at the first port of its sidecar. */
function readyOf(
  { exec, tcp, http, interval, timeout }: ReadyValues,
  firstPort: number | undefined,
  { path, offset }: Place,
  context: ReadContext,
): ReadyPlan | undefined {
  if (http !== undefined && firstPort === undefined) {
    const message = 'ready: { http } asks at the first port of the sidecar, and there is none.';
    const at = { path: [...path, 'ready'], offset };
    context.error('missing_key', message, at, 'Add port: 8080 to the sidecar');
  }
  const probes: ReadyProbe[] = [
    ...(exec === undefined ? [] : [{ kind: 'exec', command: exec } as const]),
    ...(tcp === undefined ? [] : [{ kind: 'tcp', port: tcp } as const]),
    ...(http === undefined ? [] : [{ kind: 'http', path: http, port: firstPort ?? 0 } as const]),
  ];
  const [probe] = probes;
  return (
    probe && {
      probe,
      intervalMs: interval ?? DEFAULT_READY.intervalMs,
      timeoutMs: timeout ?? DEFAULT_READY.timeoutMs,
    }
  );
}
