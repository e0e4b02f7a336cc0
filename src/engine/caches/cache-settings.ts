import { hasName } from '../../common/values/name-record.js';
import { quoted } from '../../common/values/redact-urls.js';
import { template } from '../yaml/expression-readers.js';
import { globs } from '../yaml/glob-reader.js';
import { fields, type Reader } from '../yaml/reader.js';
import { choice, listOf, mapOr, mapped } from '../yaml/value-readers.js';
import { CACHE_TOOLS, type CacheKey, type CachePlan } from '../plan/caches-plan.js';

/** Of one step. */
const MAX_CACHES = 10;
const MAX_RESTORE_KEYS = 10;

const keyText = template({ expects: 'the text of a key', max: 200, oneLine: true });

export const cacheKeyTable = {
  name: 'the key of a cache',
  fields: { files: globs, prefix: keyText },
  required: ['files'],
  habits: { file: 'Write files', hash: 'Write files', name: 'Write prefix' },
} as const;

const key: Reader<CacheKey> = mapOr(
  mapped(fields(cacheKeyTable), ({ files, prefix }): CacheKey => ({
    // Without them a problem was told.
    files: files ?? [],
    ...(prefix !== undefined && { prefix }),
  })),
  mapped(keyText, (text): CacheKey => ({ text })),
);

export const cacheTable = {
  name: 'a cache',
  fields: {
    paths: globs,
    key,
    restore_keys: listOf(keyText, { min: 1, max: MAX_RESTORE_KEYS, single: true }),
    when: choice(['success', 'failure', 'always'], {
      habits: { on_success: 'success', on_failure: 'failure' },
    }),
  },
  required: ['paths', 'key'],
  habits: {
    path: 'Write paths',
    fallback_keys: 'Write restore_keys',
    'restore-keys': 'Write restore_keys',
    policy: 'A cache is restored before the step and saved after it',
    tool: 'Write the word alone: cache: npm',
  },
} as const;

const TOOL_HABITS = { node: 'npm', python: 'pip', golang: 'go', rust: 'cargo', mvn: 'maven' };

/** What people name as a cache: what is kept, and the file by whose content it is found again. */
const KEPT: readonly (readonly [RegExp, string, string?])[] = [
  [/(^|\/)node_modules\/?$/, 'package-lock.json'],
  [/(^|\/)vendor\/bundle\/?$/, 'Gemfile.lock'],
  [/(^|\/)vendor\/?$/, 'composer.lock'],
  [/(^|\/)target\/?$/, 'Cargo.lock'],
  [/(^|\/)\.?venv\/?$/, 'requirements.txt'],
  [/^yarn$/i, 'yarn.lock', '.yarn/cache'],
  [/^pnpm$/i, 'pnpm-lock.yaml', '.pnpm-store'],
  [/^(bundler|bundle|ruby)$/i, 'Gemfile.lock', 'vendor/bundle'],
  [/^(composer|php)$/i, 'composer.lock', 'vendor'],
];

/** Undefined: a tool is meant. */
function byPaths(text: string, nearest: string | undefined): string | undefined {
  const known = KEPT.find(([pattern]) => pattern.test(text));
  if (known === undefined && (nearest !== undefined || hasName(TOOL_HABITS, text)))
    return undefined;
  const [, file = '<lock file>', kept] = known ?? [];
  const path = quoted(kept ?? text, 60);
  return `Write a tool (cache: npm), or cache: { paths: [${path}], key: { files: [${file}] } }`;
}

const word: Reader<CachePlan> = mapped(
  choice(CACHE_TOOLS, {
    habits: TOOL_HABITS,
    adviceFor: byPaths,
  }),
  (tool): CachePlan => ({ tool }),
);

const one: Reader<CachePlan> = mapOr(
  mapped(fields(cacheTable), ({ paths, key: read, restore_keys, when }): CachePlan => ({
    // Without these a problem was told.
    paths: paths ?? [],
    key: read ?? { text: '' },
    restoreKeys: restore_keys ?? [],
    when: when ?? 'success',
  })),
  word,
);

const list = listOf(one, { min: 1, max: MAX_CACHES, single: true });

/** `cache` of a step: the word of a tool, a map of paths and key, or a list of these. */
export const caches: Reader<CachePlan[]> = {
  expects: 'the word of a tool, a map of paths and key, or a list of these',
  schema: list.schema,
  read: (node, path, context) => {
    const read = list.read(node, path, context);
    const items = node.kind === 'list' ? node.items : [];
    // Where one cannot be read, that is told first.
    if (read?.length !== items.length) return read;
    const seen = new Set<string>();
    for (const [index, item] of items.entries()) {
      const plan = read[index];
      if (plan === undefined) continue;
      const same = sameness(plan);
      if (seen.has(same)) {
        const at = { path: [...path, index], offset: item.start };
        context.error('duplicate_name', `${shown(plan)} is there twice.`, at, 'Remove one');
      }
      seen.add(same);
    }
    return read;
  },
};

/** The same text for what is one cache. */
function sameness(plan: CachePlan): string {
  if ('tool' in plan) return plan.tool;
  const { paths, key: found } = plan;
  const ofKey = 'text' in found ? [found.text] : [found.prefix ?? '', [...found.files].sort()];
  return JSON.stringify([[...paths].sort(), ofKey]);
}

function shown(plan: CachePlan): string {
  if ('tool' in plan) return `The cache "${plan.tool}"`;
  return `The cache of ${plan.paths.join(', ')} with this key`;
}
