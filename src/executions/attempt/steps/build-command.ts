import type { BuildAction } from '../../../engine/steps/build/build-action.js';
import type { BuilderProgram } from '../../../integrations/container-runtime/image-builder.js';
import { BUILD_FILES, BUILDER_PATH, LOGIN_FILE } from './build-folder.js';

export interface BuildRequest {
  readonly program: BuilderProgram;
  /** Of the engine, as `DOCKER_HOST`. */
  readonly host: string;
  /** Absolute: the folder of the build. */
  readonly folder: string;
  readonly action: BuildAction;
  /** Inside of the context. */
  readonly dockerfile: string;
  /** Those of the action and ours; the latter win. */
  readonly labels: ReadonlyMap<string, string>;
  /** Names of the files in `secrets`. */
  readonly secrets: readonly string[];
  /** The registries are asked whatever the action says. */
  readonly mustAsk: boolean;
}

export interface BuildCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * What builds an image. No text of the pipeline is an option: each stands behind the `=` of ours,
 * and the context is our own word.
 */
export function buildCommand(request: BuildRequest): BuildCommand {
  const { program, host, folder } = request;
  return {
    command: program.path,
    args: [...verb(request), ...settings(request), BUILD_FILES.context],
    environment: {
      PATH: BUILDER_PATH,
      LC_ALL: 'C.UTF-8',
      NO_COLOR: '1',
      HOME: `${folder}/${BUILD_FILES.config}`,
      DOCKER_HOST: host,
      DOCKER_CONFIG: `${folder}/${BUILD_FILES.config}`,
      ...(program.dialect === 'docker' && { DOCKER_BUILDKIT: '1' }),
      // Of what is pushed a digest is that of the image, and not of a list with papers beside it.
      ...(program.dialect === 'buildx' && { BUILDX_NO_DEFAULT_ATTESTATIONS: '1' }),
    },
  };
}

function verb({ program, host, folder }: BuildRequest): readonly string[] {
  switch (program.dialect) {
    case 'docker':
      return ['build', '--progress=plain'];
    case 'buildx':
      return ['buildx', 'build', '--builder=default', '--progress=plain', '--load'];
    case 'podman': {
      const authentication = `--authfile=${folder}/${BUILD_FILES.config}/${LOGIN_FILE}`;
      return ['--remote', `--url=${host}`, 'build', authentication, '--format=docker'];
    }
  }
}

function settings(request: BuildRequest): readonly string[] {
  const { action, program, labels, dockerfile, secrets, mustAsk } = request;
  const { target, platform, network, args = {} } = action;
  const isPodman = program.dialect === 'podman';
  const option = (name: string, value: string | undefined): readonly string[] =>
    value === undefined ? [] : [`--${name}=${value}`];
  const pairs = (name: string, entries: Iterable<readonly [string, string]>): readonly string[] =>
    [...entries].map(([key, value]) => `--${name}=${key}=${value}`);
  const sources = isPodman ? [] : cacheSources(action);
  const doesCache = sources.length > 0 && action.push === true;
  return [
    `--file=${BUILD_FILES.context}/${dockerfile}`,
    ...option('target', target),
    ...option('platform', platform),
    ...option('network', network),
    ...(mustAsk || action.pull === 'always' ? ['--pull'] : []),
    ...pairs('build-arg', Object.entries(args)),
    // What is pushed tells by this of what its layers were made.
    ...(doesCache ? ['--build-arg=BUILDKIT_INLINE_CACHE=1'] : []),
    ...pairs('label', labels),
    // No name: BuildKit would print it, and any Dockerfile could begin with it.
    `--iidfile=${BUILD_FILES.id}`,
    ...sources.flatMap((source) => option('cache-from', source)),
    ...secrets.flatMap((name) => option('secret', `id=${name},src=${BUILD_FILES.secrets}/${name}`)),
  ];
}

/** Images whose layers a build may take; podman has its own layers only. */
export function cacheSources({ cacheFrom, tags = [] }: BuildAction): readonly string[] {
  if (cacheFrom === undefined) return [];
  return cacheFrom === true ? tags : cacheFrom;
}
