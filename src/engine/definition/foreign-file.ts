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
const AZURE_STEP = ['task', 'checkout', 'pwsh', 'powershell'];
const BUILDKITE_STEP = ['plugins', 'label', 'wait', 'block', 'agents'];
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
    isOf: (root) =>
      textOf(of(root, 'kind')) === 'pipeline' &&
      (has(root, ['type']) || someHas(of(root, 'steps'), ['commands', 'settings'])),
    here: 'commands are run, a plugin is commands in run, trigger is triggers',
  },
  {
    file: 'a pipeline of Azure',
    isOf: (root) =>
      isMapWith(of(root, 'pool'), ['vmImage']) ||
      (!has(root, ['name']) &&
        (has(root, ['pool']) ||
          someHas(of(root, 'stages'), ['stage']) ||
          someHas(of(root, 'jobs'), ['job', 'deployment']) ||
          someHas(of(root, 'steps'), AZURE_STEP))),
    here: 'a job is a stage, a task is commands in run, pool is runs_on',
  },
  {
    file: 'a pipeline of Woodpecker',
    isOf: (root) =>
      !has(root, ['name']) &&
      mapsIn(of(root, 'steps')).some(
        (step) => has(step, ['image']) && has(step, ['commands', 'settings']),
      ),
    here: 'commands are run, a plugin is commands in run, when of the top is triggers',
  },
  {
    file: 'a pipeline of Buildkite',
    isOf: (root) => !has(root, ['name']) && someHas(of(root, 'steps'), BUILDKITE_STEP),
    here: 'command is run, agents is runs_on, a plugin is commands in run',
  },
  {
    file: 'a pipeline of GitLab',
    isOf: (root) =>
      !has(root, ['name', 'steps']) &&
      mapsIn(of(root, 'stages')).length === 0 &&
      (textsIn(of(root, 'stages')) ||
        root.entries.some(
          ({ key, value }) =>
            !key.startsWith('x-') && !OURS.includes(key) && isMapWith(value, GITLAB_TOP),
        )),
    here: 'a job is a stage, script is run, rules are triggers and when',
  },
];

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
