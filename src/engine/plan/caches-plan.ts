export const CACHE_TOOLS = ['npm', 'pip', 'go', 'cargo', 'maven', 'gradle'] as const;

/** A tool whose cache is known by its name: `cache: npm`. */
export type CacheTool = (typeof CACHE_TOOLS)[number];

/** When a cache is saved, by how the step ended; a cancelled step saves nothing. */
export type CacheWhen = 'success' | 'failure' | 'always';

/** By what a cache is found again. Texts may hold `${{ }}`. */
export type CacheKey =
  | { readonly text: string }
  /** The content of the files that these globs include, with a text in front. */
  | { readonly files: readonly string[]; readonly prefix?: string };

/** A cache of a step: what a tool keeps, or paths of the workspace. */
export type CachePlan =
  | { readonly tool: CacheTool }
  | {
      readonly paths: readonly string[];
      readonly key: CacheKey;
      /** Where there is none of that key: the latest whose key begins with one of these. */
      readonly restoreKeys: readonly string[];
      readonly when: CacheWhen;
    };
