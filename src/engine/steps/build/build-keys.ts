import { nameRecord } from '../../../common/values/name-record.js';
import { quoted } from '../../../common/values/redact-urls.js';
import { secrets, workspacePath } from '../../yaml/common-readers.js';
import { template } from '../../yaml/expression-readers.js';
import { fields, type ReadContext, type Reader, wrongType } from '../../yaml/reader.js';
import { choice, fitting, flag, listOf, mapOr, mapped, text } from '../../yaml/value-readers.js';
import { either } from '../../yaml/json-schema.js';
import type { YamlPath } from '../../yaml/problem.js';
import type { YamlNode } from '../../yaml/yaml-tree.js';
import { containerKeys } from '../container/container-keys.js';
import { imageNameProblem, parseImageName } from '../container/image-name.js';
import { BUILD_KIND } from './build-action.js';
import type { BuildDraft } from './build-draft.js';

const MAX_NAMES = 200;
const MAX_VALUE = 10_000;
const MAX_TAGS = 50;
/** Labels of ours begin with it. */
const OWN_LABELS = 'millrace.';

/** The name of an image that is made: a digest cannot be chosen. */
export const builtImage = template({
  expects: 'the name of an image',
  max: 512,
  oneLine: true,
  check: (value) => {
    const problem =
      imageNameProblem(value) ??
      (parseImageName(value)?.digest === undefined
        ? undefined
        : 'The name of an image that is built has no digest.');
    return problem === undefined
      ? undefined
      : ['invalid_image', problem, 'Write it as registry.example/team/app:1'];
  },
});

const target = text({
  expects: 'a stage of the Dockerfile',
  max: 128,
  ...fitting(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, (value) => [
    'invalid_name',
    `"${quoted(value, 60)}" is no name of a stage.`,
  ]),
});

const args = namedTexts('a map of NAME: value', /^[A-Za-z_][A-Za-z0-9_]*$/);
const labels = namedTexts('a map of label: value', /^[A-Za-z0-9][A-Za-z0-9._/-]*$/);

const imagesOfCache = listOf(builtImage, { max: 20, single: true });

const cacheFrom: Reader<true | readonly string[] | undefined> = {
  expects: 'true, or names of images',
  schema: either({ type: 'boolean' }, imagesOfCache.schema),
  read: (node, path, context) => {
    if (node.kind === 'scalar' && typeof node.value === 'boolean') return node.value || undefined;
    return imagesOfCache.read(node, path, context);
  },
};

/** Keys of `build`. */
export const buildTable = {
  name: 'build',
  fields: {
    context: workspacePath,
    dockerfile: workspacePath,
    target,
    args,
    tags: listOf(builtImage, { max: MAX_TAGS, single: true }),
    labels,
    secrets,
    cache_from: cacheFrom,
    push: flag(),
    platform: containerKeys.platform.reader,
    pull: choice(['missing', 'always'], { habits: { never: 'missing' } }),
    network: containerKeys.network.reader,
  },
  habits: {
    file: 'Write dockerfile',
    build_args: 'Write args',
    'build-args': 'Write args',
    tag: 'Write tags',
    repo: 'Write tags',
    registry: 'Write the host in front of the names in tags, and registries at the top level',
    load: 'Remove it: later steps of the execution have what was built',
    cache_to: 'Write cache_from: true',
    image: 'Write tags',
    secret: 'Write secrets',
    'cache-from': 'Write cache_from',
    path: 'Write context',
    no_cache: 'Give args that change what the image is built of',
  },
} as const;

const settings = fields(buildTable);

const whole: Reader<BuildDraft> = {
  expects: settings.expects,
  schema: settings.schema,
  read: (node, path, context) => {
    const values = settings.read(node, path, context);
    if (values === undefined) return undefined;
    const { cache_from: from, push, pull, secrets: mounted = [], ...rest } = values;
    const draft: BuildDraft = {
      ...rest,
      kind: BUILD_KIND,
      context: values.context ?? '.',
      secrets: mounted,
      cacheFrom: from,
      push: push || undefined,
      pull: pull === 'always' ? pull : undefined,
    };
    return isWhole(draft, node, path, context) ? draft : undefined;
  },
};

/** `build: <context>` or a map. */
export const buildReader: Reader<BuildDraft> = mapOr(
  whole,
  mapped(workspacePath, (context): BuildDraft => ({ kind: BUILD_KIND, context, secrets: [] })),
);

/** What needs tags has some. */
function isWhole(
  { push, cacheFrom: from, tags = [] }: BuildDraft,
  node: YamlNode,
  path: YamlPath,
  context: ReadContext,
): boolean {
  if (tags.length > 0 || (push !== true && from !== true)) return true;
  const what = push === true ? 'push: true' : 'cache_from: true';
  const message = `The build has "${what}", but no tags.`;
  context.error('missing_key', message, { path, offset: node.start }, 'Add tags: [<image>]');
  return false;
}

/** A map of names to templates; numbers and booleans are taken as they are written. */
function namedTexts(expects: string, rule: RegExp): Reader<Readonly<Record<string, string>>> {
  const value = template({ expects: 'a text', min: 0, max: MAX_VALUE });
  return {
    expects,
    schema: {
      type: 'object',
      propertyNames: { pattern: rule.source },
      additionalProperties: value.schema,
      maxProperties: MAX_NAMES,
    },
    read: (node, path, context) => {
      if (node.kind !== 'map') return wrongType(node, path, context, expects);
      if (node.entries.length > MAX_NAMES) {
        const message = `There are more than ${MAX_NAMES} of them.`;
        context.error('out_of_range', message, { path, offset: node.start });
      }
      const found: [string, string][] = [];
      for (const { key, keyStart, value: item } of node.entries.slice(0, MAX_NAMES)) {
        const at = { path: [...path, key], offset: keyStart };
        if (!rule.test(key) || key === '__proto__' || key.startsWith(OWN_LABELS)) {
          const hint = key.startsWith(OWN_LABELS) ? 'Names with "millrace." are ours' : undefined;
          context.error('invalid_name', `"${quoted(key, 60)}" is no name here.`, at, hint);
          continue;
        }
        const read = value.read(item, at.path, context);
        if (read !== undefined) found.push([key, read]);
      }
      return nameRecord(found);
    },
  };
}
