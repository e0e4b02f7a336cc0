import type { YamlMap, YamlNode } from '../yaml/yaml-tree.js';

/** A file of another system, by what no pipeline of ours has at its top. */
interface ForeignSystem {
  /** `a workflow of GitHub Actions` */
  readonly file: string;
  readonly isOf: (root: YamlMap) => boolean;
  /** What its parts are here. */
  readonly here: string;
}

const GITLAB_TOP = ['script', 'extends', 'trigger'];
/** Keys of GitLab that are no jobs; a file of some of them and `include` is one of its own. */
const GITLAB_GLOBALS = [
  ...['include', 'variables', 'workflow', 'default', 'stages', 'image', 'services', 'cache'],
  ...['before_script', 'after_script'],
];
const AZURE_STEP = ['task', 'checkout', 'bash', 'pwsh', 'powershell', 'template'];
const AZURE_RESOURCES = ['repositories', 'pipelines', 'containers'];
const BUILDKITE_STEP = ['plugins', 'label', 'wait', 'block', 'agents'];
const BITBUCKET_TOP = ['default', 'branches', 'pull-requests', 'tags', 'custom'];
/** Of Drone, beside `pipeline`. */
const DRONE_KINDS = ['secret', 'signature', 'template'];
/** Images of plugins, which run by themselves. */
const PLUGIN = /^(docker\.io\/)?(plugins\/|woodpeckerci\/plugin-)/;
/** Words of ours that somebody may write into `trigger`. */
const EVENTS = ['manual', 'push', 'pull_request', 'tag', 'schedule', 'webhook'];
/** Maps at the top of ours in which such a key may be a name, or a slip. */
const OURS = ['environment', 'defaults', 'sidecars', 'registries', 'repository'];

/** In this order: what a system shares with one above it is that one's. */
const SYSTEMS: readonly ForeignSystem[] = [
  {
    file: 'a workflow of GitHub Actions',
    isOf: (root) => someHas(of(root, 'jobs'), ['runs-on', 'uses']),
    here: 'a job is a stage, uses: is commands in run, on: is triggers',
  },
  {
    file: 'a pipeline of CircleCI',
    isOf: (root) => has(root, ['version']) && has(root, ['jobs', 'workflows', 'orbs']),
    here: 'a job is a stage, a docker image is image, an orb is commands in run',
  },
  {
    file: 'a pipeline of Drone',
    isOf: (root) => {
      const kind = textOf(of(root, 'kind'));
      if (kind === undefined) return false;
      const hasCommands = someHas(of(root, 'steps'), ['commands', 'settings']);
      return (
        DRONE_KINDS.includes(kind) || (kind === 'pipeline' && (has(root, ['type']) || hasCommands))
      );
    },
    here: 'commands are run, a plugin is commands in run, trigger is triggers, a secret is stored (./millrace secrets)',
  },
  {
    file: 'a pipeline of Azure',
    isOf: isAzure,
    here: 'a job is a stage, a task is commands in run, pool is runs_on',
  },
  {
    file: 'a pipeline of Woodpecker',
    isOf: isWoodpecker,
    here: 'commands are run, a plugin is commands in run, when of the top is triggers',
  },
  {
    file: 'a pipeline of Buildkite',
    isOf: (root) => !has(root, ['name']) && someHas(of(root, 'steps'), BUILDKITE_STEP),
    here: 'command is run, agents is runs_on, a plugin is commands in run',
  },
  {
    file: 'a pipeline of Bitbucket',
    isOf: (root) => isMapWith(of(root, 'pipelines'), BITBUCKET_TOP),
    here: 'a step is a step, script is run, the branches above steps are triggers and when',
  },
  {
    file: 'a pipeline of Travis',
    isOf: (root) =>
      !has(root, ['name', 'stages', 'steps']) &&
      textOf(of(root, 'language')) !== undefined &&
      has(root, ['script', 'install', 'before_install', 'jobs', 'dist', 'os']),
    here: 'install and script are run, a language is image, jobs are stages',
  },
  {
    file: 'a pipeline of GitLab',
    isOf: isGitLab,
    here: 'a job is a stage, script is run, rules are triggers and when',
  },
];

function isAzure(root: YamlMap): boolean {
  const stages = of(root, 'stages');
  const jobs = of(root, 'jobs');
  const steps = of(root, 'steps');
  const isSurely =
    isMapWith(of(root, 'pool'), ['vmImage']) ||
    isMapWith(of(root, 'extends'), ['template']) ||
    isMapWith(of(root, 'resources'), AZURE_RESOURCES) ||
    (jobs?.kind === 'list' && someHas(jobs, ['job', 'deployment'])) ||
    mapsIn(stages).some((stage) => has(stage, ['stage']) && has(stage, ['jobs'])) ||
    mapsIn(steps).some((step) => /^[\w.-]+@\d+$/.test(textOf(of(step, 'task')) ?? ''));
  if (isSurely) return true;
  const name = of(root, 'name');
  // A number of a run: `$(Date:yyyyMMdd)$(Rev:.r)`.
  if (name !== undefined && textOf(name)?.includes('$(') !== true) return false;
  return (
    has(root, ['pool']) ||
    someHas(stages, ['stage', 'template']) ||
    someHas(jobs, ['template']) ||
    someHas(steps, AZURE_STEP) ||
    (isAzureTrigger(root) && someHas(steps, ['script']))
  );
}

/** Of branches, where ours would be of events. */
function isAzureTrigger(root: YamlMap): boolean {
  const [trigger] = ['trigger', 'pr'].flatMap((key) => of(root, key) ?? []);
  if (trigger === undefined) return false;
  if (trigger.kind === 'map') return has(trigger, ['branches', 'batch', 'paths', 'tags']);
  const words = (trigger.kind === 'list' ? trigger.items : [trigger]).map(textOf);
  return words.length > 0 && words.every((word) => word && !EVENTS.includes(word));
}

function isWoodpecker(root: YamlMap): boolean {
  const before = of(root, 'pipeline');
  const isOld =
    someHas(before, ['image']) &&
    !isMapWith(before, ['name', 'stages', 'steps', 'defaults', 'sidecars']);
  if (isOld) return true;
  if (has(root, ['name'])) return false;
  const steps = of(root, 'steps');
  const inImages = mapsIn(steps).filter((step) => has(step, ['image']));
  if (inImages.some((step) => has(step, ['commands', 'settings']))) return true;
  // A step of ours has a command, or an image that runs by itself; it stands in a list.
  return inImages
    .filter((step) => !has(step, ['run', 'script']))
    .some(
      (step) =>
        steps?.kind === 'map' ||
        PLUGIN.test(textOf(of(step, 'image')) ?? '') ||
        [of(step, 'when'), of(root, 'when')].some(
          (when) => when !== undefined && when.kind !== 'scalar',
        ),
    );
}

function isGitLab(root: YamlMap): boolean {
  if (has(root, ['name', 'steps'])) return false;
  const stages = of(root, 'stages');
  if (mapsIn(stages).length > 0) return false;
  const others = root.entries.filter(({ key }) => !key.startsWith('x-') && !OURS.includes(key));
  return (
    textsIn(stages) ||
    isMapWith(of(root, 'spec'), ['inputs', 'component']) ||
    isMapWith(of(root, 'workflow'), ['rules', 'auto_cancel']) ||
    (has(root, ['include']) && root.entries.every(({ key }) => isOfGitLab(key))) ||
    others.some(({ value }) => isMapWith(value, GITLAB_TOP))
  );
}

function isOfGitLab(key: string): boolean {
  return GITLAB_GLOBALS.includes(key) || /^(x-|\.)/.test(key);
}

/** What a file is that was written for another system, and what its parts are here. Pure. */
export function foreignFile(root: YamlMap): Pick<ForeignSystem, 'file' | 'here'> | undefined {
  return SYSTEMS.find(({ isOf }) => isOf(root));
}

function of({ entries }: YamlMap, name: string): YamlNode | undefined {
  return entries.find(({ key }) => key === name)?.value;
}

function has({ entries }: YamlMap, names: readonly string[]): boolean {
  return entries.some(({ key }) => names.includes(key));
}

function isMapWith(node: YamlNode | undefined, names: readonly string[]): boolean {
  return node?.kind === 'map' && has(node, names);
}

/** The maps of a list, or of a map by names. */
function mapsIn(node: YamlNode | undefined): readonly YamlMap[] {
  if (node === undefined || node.kind === 'scalar') return [];
  const parts = node.kind === 'list' ? node.items : node.entries.map(({ value }) => value);
  return parts.filter((part) => part.kind === 'map');
}

function someHas(node: YamlNode | undefined, names: readonly string[]): boolean {
  return mapsIn(node).some((part) => has(part, names));
}

function textsIn(node: YamlNode | undefined): boolean {
  return (
    node?.kind === 'list' &&
    node.items.length > 0 &&
    node.items.every((item) => item.kind === 'scalar')
  );
}

function textOf(node: YamlNode | undefined): string | undefined {
  return node?.kind === 'scalar' ? node.text : undefined;
}
