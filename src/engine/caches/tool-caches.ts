import { hasName, nameRecord, type NameRecord, valueOf } from '../../common/values/name-record.js';
import type { CacheTool } from '../plan/caches-plan.js';

export interface ToolCache {
  /** Globs of the files in the workspace by whose content the cache is found again. */
  readonly keyFiles: readonly string[];
  /** Globs, below the folder that the tool was given, of what is worth to be kept. */
  readonly kept: readonly string[];
  /**
   * The variables that make the tool use a folder.
   * @param folder absolute, without spaces
   */
  readonly variables: (folder: string) => readonly ToolVariable[];
}

export interface ToolVariable {
  readonly name: string;
  readonly value: string;
  /**
   * It is a list of options: what the step has set itself stays, and comes last; so does what an
   * image has set, and comes first, for the place of the cache is not the image's to say.
   */
  readonly isOptions?: boolean;
  /** Other names by which the tool takes the same setting. */
  readonly aliases?: readonly string[];
}

/** Packages bring lock files of their own, which say nothing of this workspace. */
const NO_PACKAGES = '!**/node_modules';

const TOOLS: Readonly<Record<CacheTool, ToolCache>> = {
  npm: {
    keyFiles: ['**/package-lock.json', '**/npm-shrinkwrap.json', NO_PACKAGES],
    // Not what npm keeps of its own log and of `npx`.
    kept: ['_cacache'],
    variables: (folder) => [
      { name: 'npm_config_cache', value: folder, aliases: ['NPM_CONFIG_CACHE'] },
    ],
  },
  pip: {
    keyFiles: ['**/requirements*.txt', NO_PACKAGES],
    kept: ['**'],
    variables: (folder) => [{ name: 'PIP_CACHE_DIR', value: folder }],
  },
  go: {
    keyFiles: ['**/go.sum', NO_PACKAGES],
    kept: ['mod', 'build'],
    variables: (folder) => [
      { name: 'GOMODCACHE', value: `${folder}/mod` },
      { name: 'GOCACHE', value: `${folder}/build` },
      // Else Go makes folders there that even their owner cannot empty.
      { name: 'GOFLAGS', value: '-modcacherw', isOptions: true },
    ],
  },
  cargo: {
    keyFiles: ['**/Cargo.lock', NO_PACKAGES],
    // Its home holds programs, settings and tokens too, and sources that it unpacks again.
    kept: ['registry/index', 'registry/cache', 'git/db'],
    variables: (folder) => [{ name: 'CARGO_HOME', value: folder }],
  },
  maven: {
    keyFiles: ['**/pom.xml', NO_PACKAGES],
    // What could not be downloaded is asked for again.
    kept: ['**', '!**/*.lastUpdated'],
    // MAVEN_ARGS is known from 3.9 on only.
    variables: (folder) => [
      { name: 'MAVEN_OPTS', value: `-Dmaven.repo.local=${folder}`, isOptions: true },
    ],
  },
  gradle: {
    keyFiles: [
      '**/*.gradle*',
      '**/gradle-wrapper.properties',
      '**/gradle/*.versions.toml',
      NO_PACKAGES,
    ],
    // A lock is held by a process that is not there any more.
    kept: ['caches', 'wrapper', '!**/*.lock'],
    variables: (folder) => [{ name: 'GRADLE_USER_HOME', value: folder }],
  },
};

export function toolCache(tool: CacheTool): ToolCache {
  return TOOLS[tool];
}

/**
 * The variables for a step, to be put over its environment: what a step has set itself keeps its
 * meaning. Where that is the very place of the cache, the tool has none of ours.
 */
export function toolVariables(
  tool: CacheTool,
  folder: string,
  environment: NameRecord<string>,
): NameRecord<string> {
  const variables = TOOLS[tool].variables(folder);
  const entries = variables.flatMap(({ name, value, isOptions, aliases = [] }) => {
    const own = [name, ...aliases].map((one) => valueOf(environment, one)).find(Boolean);
    if (own === undefined) return [[name, value] as const];
    return isOptions === true ? [[name, `${value} ${own}`] as const] : [];
  });
  return nameRecord(entries);
}

/** Names of lists of options among the variables of a tool that the step has not set itself. */
export function toolOptions(
  tool: CacheTool,
  folder: string,
  environment: NameRecord<string>,
): readonly string[] {
  const variables = TOOLS[tool].variables(folder);
  return variables.flatMap(({ name, isOptions }) =>
    isOptions === true && !hasName(environment, name) ? [name] : [],
  );
}
