import { LOCKS } from 'package-manager-detector/constants';
import { assumed, type Choice, type Fact, factOf, known } from '../evidence.js';
import type { DataNode } from '../manifests/data-node.js';
import type { ProjectFiles } from '../project-files.js';
import { lockChoices } from './lock-files.js';

interface Commands {
  readonly install: string;
  readonly run: (script: string) => string;
  readonly start: string;
}

/** Of each manager: what installs exactly what the lock file says. */
const COMMANDS: ReadonlyMap<string, Commands> = new Map([
  ['npm', { install: 'npm ci', run: (name) => `npm run ${name}`, start: 'npm start' }],
  [
    'yarn',
    {
      install: 'yarn install --frozen-lockfile',
      run: (name) => `yarn run ${name}`,
      start: 'yarn start',
    },
  ],
  [
    'pnpm',
    {
      install: 'pnpm install --frozen-lockfile',
      run: (name) => `pnpm run ${name}`,
      start: 'pnpm start',
    },
  ],
  [
    'bun',
    {
      install: 'bun install --frozen-lockfile',
      run: (name) => `bun run ${name}`,
      start: 'bun run start',
    },
  ],
]);

/** Lock files that one of the managers above writes, by `package-manager-detector`. */
const LOCK_FILES = Object.entries(LOCKS).filter(
  ([file, agent]) => COMMANDS.has(agent) && file !== 'pnpm-workspace.yaml',
);

/**
 * By the field `packageManager` of this folder's package.json or the nearest above, else by the
 * lock files of the nearest folder that has any: several managers' locks are ambiguous.
 */
export async function nodePackageManager(files: ProjectFiles): Promise<Fact> {
  const named = await namedManager(files);
  if (named !== undefined) return known(named.value, named.source);
  const choices = await lockChoices(files, LOCK_FILES);
  const reason =
    'Lock files of several package managers are there: keep one, or say `packageManager` in package.json.';
  return factOf(choices, reason, assumed('npm', 'No lock file is there; npm comes with Node.js.'));
}

/** Undefined: the manager is not known. */
export function nodeCommands(manager: string | undefined, hasLock: boolean): Commands | undefined {
  const commands = COMMANDS.get(manager ?? '');
  // Without a lock file `npm ci` refuses.
  if (manager === 'npm' && !hasLock && commands) return { ...commands, install: 'npm install' };
  return commands;
}

async function namedManager(files: ProjectFiles): Promise<Choice | undefined> {
  for (const folder of files.upward()) {
    const path = folder === '' ? 'package.json' : `${folder}/package.json`;
    const node: DataNode | undefined = (await files.yamlAt(path))?.at('packageManager');
    const name = /^([a-z]+)@/.exec(node?.text ?? '')?.[1];
    if (node === undefined || name === undefined || !COMMANDS.has(name)) continue;
    const source = { rule: 'package-manager-field', file: path, line: node.line };
    return { value: name, source };
  }
  return undefined;
}
