import { workspacePath } from '../../yaml/common-readers.js';
import { environment } from '../../yaml/environment-reader.js';
import { template } from '../../yaml/expression-readers.js';
import type { YamlPath } from '../../yaml/problem.js';
import { fields, type FieldValues, type ReadContext } from '../../yaml/reader.js';
import { listOf, text } from '../../yaml/value-readers.js';
import type { YamlNode } from '../../yaml/yaml-tree.js';
import type { ContainerDraft } from '../container/container-kind.js';
import { CONTAINER_KIND } from '../container/container-action.js';
import { parseImageName } from '../container/image-name.js';
import type { RustciForm, StepDraft } from '../step-kind.js';
import { BUILD_KIND } from './build-action.js';
import type { BuildDraft } from './build-draft.js';
import { builtImage } from './build-keys.js';

const config = {
  name: 'the config of a docker step',
  fields: {
    image: builtImage,
    dockerfile: workspacePath,
    build_context: workspacePath,
    registry: text({
      expects: 'the host of a registry',
      max: 255,
      check: (value) => {
        const name = parseImageName(`${value}/x`);
        return name?.repository.endsWith('x') === true && !value.includes('${{')
          ? undefined
          : ['invalid_registry', 'This is no host of a registry.', 'Write it as ghcr.io'];
      },
    }),
    tags: listOf(
      template({
        expects: 'a tag',
        max: 512,
        oneLine: true,
        check: (value) =>
          TAG.test(value) || parseImageName(value)?.digest === undefined
            ? undefined
            : ['invalid_image', 'This is no tag.', 'Write it as 1.2 or latest'],
      }),
      { max: 50, single: true },
    ),
    command: template({ expects: 'a command' }),
    script: template({ expects: 'a script' }),
    working_directory: workspacePath,
    environment,
  },
  habits: {
    context: 'Write build_context',
    tag: 'Write tags',
    run: 'Write command',
    env: 'Write environment',
    push: 'Name the registry: what has one is pushed',
    build_args: 'Write the step as build: with args',
  },
} as const;

const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const reader = fields(config);
type Values = FieldValues<(typeof config)['fields']>;

/**
 * `step_type: docker` is two things: with `dockerfile` or `build_context` an image is built, and
 * pushed where a `registry` is named; else commands run in the image.
 */
export const rustciBuildForm: RustciForm<StepDraft> = {
  types: ['docker'],
  habits: { container: 'docker', image: 'docker' },
  configHint: 'Add config: { image: …, command: … }, or { image: …, build_context: . }',
  config,
  read: (node, path, context) => {
    const values = reader.read(node, path, context);
    if (values === undefined) return undefined;
    const isBuild = has(node, 'dockerfile') || has(node, 'build_context');
    const draft = isBuild
      ? build(values, node, path, context)
      : container(values, node, path, context);
    return { draft, environment: values.environment };
  },
};

function build(values: Values, node: YamlNode, path: YamlPath, context: ReadContext): BuildDraft {
  const { image, registry, dockerfile, build_context: folder = '.' } = values;
  const foreign = ['command', 'script', 'working_directory'].find((key) => has(node, key));
  if (foreign !== undefined) {
    const message = `"${foreign}" is no key of a docker step that builds an image.`;
    const at = { path, offset: node.start };
    context.error('conflicting_keys', message, at, 'Make two steps of it');
  }
  const tags = tagsOf(values);
  if (tags.length === 0 && registry !== undefined) {
    const at = { path, offset: node.start };
    context.error('missing_key', 'What is pushed needs an image.', at, 'Add image: <name>');
  }
  return {
    kind: BUILD_KIND,
    context: folder,
    dockerfile,
    ...(tags.length > 0 && { tags }),
    ...(image !== undefined && registry !== undefined && { push: true }),
    secrets: [],
  };
}

/** Whole names stay; tags are those of `image`. */
function tagsOf({ image, registry, tags = [] }: Values): readonly string[] {
  const prefix = registry === undefined ? '' : `${registry}/`;
  if (image === undefined) return tags.map((tag) => `${prefix}${tag}`);
  const isOfRegistry = prefix !== '' && image.startsWith(prefix);
  const name = isOfRegistry ? image : `${prefix}${image}`;
  if (tags.length === 0) return [name];
  const bare = name.replace(/:[^:/]*$/, '');
  return tags.map((tag) => (TAG.test(tag) || isWholly(tag) ? `${bare}:${tag}` : tag));
}

/** The whole of it is one expression, which comes to a tag. */
function isWholly(tag: string): boolean {
  return tag.startsWith('${{') || !/[/:]/.test(tag);
}

function container(
  values: Values,
  node: YamlNode,
  path: YamlPath,
  context: ReadContext,
): ContainerDraft {
  const { image, registry, command, script, working_directory: workingDirectory } = values;
  const at = { path, offset: node.start };
  if (image === undefined) {
    context.error('missing_image', 'A docker step has an image.', at, 'Add image: <name>');
  }
  if (has(node, 'command') && has(node, 'script')) {
    const message = 'A docker step has "command" or "script", not both.';
    context.error('conflicting_keys', message, at, 'Put both into script');
  }
  if (has(node, 'tags')) {
    const message = '"tags" are those of an image that is built.';
    context.error('conflicting_keys', message, at, 'Add build_context: ., or remove tags');
  }
  const run = command ?? script;
  const prefix = registry === undefined || image?.startsWith(`${registry}/`) ? '' : `${registry}/`;
  return {
    kind: CONTAINER_KIND,
    commands: run === undefined ? [] : [run],
    workingDirectory,
    container: image === undefined ? {} : { image: `${prefix}${image}` },
  };
}

function has(node: YamlNode, name: string): boolean {
  return node.kind === 'map' && node.entries.some(({ key }) => key === name);
}
