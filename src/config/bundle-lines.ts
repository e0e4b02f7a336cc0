import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from './paths.js';

/** Of one line in the table: number of its source from 1 (0: none), and its line there from 1. */
const ENTRY_BYTES = 8;

/**
 * From now on stack traces name the sources of a bundle, by the tables that `bundle.mjs` has
 * written beside it. Nothing is read before there is a trace, and then a few bytes for each of its
 * lines: with the source map of a whole bundle Node would stand still for a second, and keep it.
 *
 * @param bundle its file, as traces name it
 */
export function mapStacks(bundle: string): void {
  const before = Error.prepareStackTrace?.bind(Error);
  if (before === undefined) return;
  const built = builtAt(bundle);
  Error.prepareStackTrace = (error, calls) => {
    const trace = String(before(error, calls));
    return withSources(trace, bundle, built);
  };
}

function tableOf(bundle: string): string {
  return bundle.replace(/\.cjs$/, '.lines');
}

/** When the tables were written, milliseconds since 1970; undefined: there are none. */
function builtAt(bundle: string): number | undefined {
  return statSync(tableOf(bundle), { throwIfNoEntry: false })?.mtimeMs;
}

function withSources(trace: string, bundle: string, built: number | undefined): string {
  const [head = '', ...rest] = trace.split(`${bundle}:`);
  if (rest.length === 0) return trace;
  try {
    // A process may outlive a build, whose tables are of another bundle.
    if (builtAt(bundle) !== built) return trace;
    const table = openSync(tableOf(bundle), 'r');
    try {
      return head + rest.map((text) => withSource(text, bundle, table)).join('');
    } finally {
      closeSync(table);
    }
  } catch {
    return trace; // A trace must not fail, whatever has become of the tables.
  }
}

/** @param text begins with line and column in the bundle */
function withSource(text: string, bundle: string, table: number): string {
  const [place = '', line = ''] = /^(\d+):\d+/.exec(text) ?? [];
  const entry = Buffer.alloc(ENTRY_BYTES);
  readSync(table, entry, 0, ENTRY_BYTES, (Number(line) - 1) * ENTRY_BYTES);
  const source = sourcesOf(bundle)[entry.readUInt32LE(0) - 1];
  if (source === undefined) return `${bundle}:${text}`;
  return `${join(packageRoot(), source)}:${entry.readUInt32LE(4)}${text.slice(place.length)}`;
}

let known: readonly string[] | undefined;

/** Paths in the folder of Millrace. One process has one bundle. */
function sourcesOf(bundle: string): readonly string[] {
  known ??= JSON.parse(
    readFileSync(bundle.replace(/\.cjs$/, '.sources.json'), 'utf8'),
  ) as readonly string[];
  return known;
}
