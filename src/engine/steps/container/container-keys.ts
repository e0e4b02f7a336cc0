import { quoted } from '../../../common/values/redact-urls.js';
import { template } from '../../yaml/expression-readers.js';
import { size } from '../../yaml/size-reader.js';
import {
  advised,
  choice,
  fitting,
  integer,
  listOf,
  number,
  text,
} from '../../yaml/value-readers.js';
import type { KeyValues, StepKeys } from '../step-kind.js';
import { imageNameProblem } from './image-name.js';
import { type ContainerSettings, NO_IMAGE, PULL_POLICIES } from './container-settings.js';

const MIB = 1024 ** 2;
const TIB = 1024 ** 4;
/** Engines refuse less. */
const LEAST_MEMORY = 6 * MIB;

const imageText = template({
  expects: 'the name of an image',
  max: 512,
  oneLine: true,
  check: (value) => {
    const problem = value === NO_IMAGE ? undefined : imageNameProblem(value);
    if (problem === undefined) return undefined;
    return ['invalid_image', problem, 'Write it as node:22 or registry.example/team/app:1'];
  },
});

/** Other systems write `image: { name: …, entrypoint: … }`: here the other keys are the step's. */
const image = advised(imageText, (node) => {
  if (node.kind !== 'map') return undefined;
  const name = node.entries.find(({ key }) => key === 'name')?.value;
  const written = name?.kind === 'scalar' && typeof name.value === 'string' ? name.text : 'node:22';
  return `Write image: ${quoted(written, 100)}, with entrypoint, pull and user beside it`;
});

const user = template({
  expects: 'a user of the image',
  max: 128,
  oneLine: true,
  ...fitting(/^[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?$/, (value) => [
    'invalid_user',
    `"${quoted(value, 60)}" is no user.`,
    'Write a name or a number, with the group behind a colon if need be',
  ]),
});

const platform = text({
  expects: 'a platform',
  max: 64,
  ...fitting(/^[a-z0-9]+\/[a-z0-9_]+(\/[a-z0-9.]+)?$/, (value) => [
    'invalid_platform',
    `"${quoted(value, 60)}" is no platform.`,
    'Write it as linux/arm64',
  ]),
});

const words = listOf(text({ expects: 'a program or argument', min: 0, max: 4096 }), {
  max: 100,
  single: true,
});

/** Elsewhere `sh -c` gets the commands as its text. Here it would run a shell without any. */
const entrypoint: typeof words = {
  ...words,
  read: (node, path, context) => {
    const list = words.read(node, path, context);
    const [program = '', ...more] = list ?? [];
    if (/(^|\/)(sh|bash|ash|dash|ksh|zsh)$/.test(program) && /^-[a-z]*c$/.test(more.at(-1) ?? '')) {
      const message = `"${quoted(program, 60)} ${more.at(-1)}" would run none of the commands, and succeed.`;
      const hint = 'Leave entrypoint out: run is run by a shell. For bash write shell: bash';
      context.error('invalid_entrypoint', message, { path, offset: node.start }, hint);
    }
    return list;
  },
};

/** Keys by which steps run in containers: at a step, a stage and in `defaults`; nearer wins. */
export const containerKeys = {
  image: {
    reader: image,
    value: 'name of an image, or `none`',
    default: 'none',
    meaning: 'the step runs in a container of it',
  },
  user: {
    reader: user,
    value: 'user of the image',
    default: "the image's own",
    meaning: 'as `name`, `uid`, `name:group` or `uid:gid`',
  },
  entrypoint: {
    reader: entrypoint,
    value: 'program, or list with its arguments',
    default: 'none',
    meaning: 'the shell with the commands is its last arguments',
  },
  platform: {
    reader: platform,
    value: '`linux/amd64` and the like',
    default: "the worker's",
    meaning: 'which variant of the image',
  },
  pull: {
    reader: choice(PULL_POLICIES, {
      habits: { 'if-not-present': 'missing', IfNotPresent: 'missing' },
    }),
    value: '`missing`, `always`, `never`',
    default: '`missing`',
    meaning: 'when the image is fetched',
  },
  cpus: {
    reader: number(0.01, 1024),
    value: 'number',
    default: 'no limit',
    meaning: 'processors that it may use',
  },
  memory: {
    reader: size(LEAST_MEMORY, TIB),
    value: 'size',
    default: 'no limit',
    meaning:
      '`6m` or more, as `512m` or `2g`; a process that passes it is ended, and the log says so',
  },
  pids: {
    reader: integer(1, 4_194_304),
    value: 'number',
    default: '`4096`',
    meaning: 'processes and threads at once',
  },
  shm_size: {
    reader: size(0, TIB),
    value: 'size',
    default: '`256m`',
    meaning: 'of `/dev/shm`; counts in `memory`',
  },
  network: {
    reader: choice(['none'], { habits: { host: 'none', bridge: 'none' } }),
    value: '`none`',
    default: 'it may dial out',
    meaning: 'no network at all',
  },
} as const satisfies StepKeys;

/** What the values of these keys say; a key that was not written has no name in it. */
export function settingsOf(values: KeyValues<typeof containerKeys>): ContainerSettings {
  const { image: name, shm_size: shmSize } = values;
  const { entrypoint, platform: variant, pull, cpus, memory, pids, network } = values;
  return {
    ...(name !== undefined && { image: name }),
    ...(values.user !== undefined && { user: values.user }),
    ...(entrypoint && { entrypoint }),
    ...(variant !== undefined && { platform: variant }),
    ...(pull && { pull }),
    ...(cpus !== undefined && { cpus }),
    ...(memory !== undefined && { memory }),
    ...(pids !== undefined && { pids }),
    ...(shmSize !== undefined && { shmSize }),
    ...(network && { network }),
  };
}
