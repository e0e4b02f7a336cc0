import { shownSize } from '../../common/values/shown-size.js';
import { cache, type Cache } from '../api/wire-readers.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';
import type { Moments } from '../terminal/moments.js';
import type { Terminal } from '../terminal/terminal.js';
import type { Column } from '../terminal/text-table.js';
import { findListed, type ListedKind } from './find-listed.js';
import { findPipeline } from './find-pipeline.js';
import { type PageFlags, printPage } from './list-page.js';
import { type ClientFlags, Session } from './session.js';

const CACHE: ListedKind<Cache> = {
  path: '/api/caches',
  reader: cache,
  idOf: ({ id }) => id,
  singular: 'cache',
  plural: 'caches',
  listedBy: 'See what there is: ./millrace caches',
  line: ({ id, key }) => `${id}  ${cleanText(key)}`,
};

/** Of `<pipeline>-<hash>` as much as tells the caches of one pipeline apart. */
const BEGINNING = '01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4b-0f3a0f3a'.length;

export function cacheColumns(moments: Moments, isNarrow: boolean): readonly Column<Cache>[] {
  return [
    { title: 'ID', text: ({ id }) => (isNarrow ? id.slice(0, BEGINNING) : id) },
    { title: 'KEY', text: ({ key }) => key, narrow: 'note' },
    { title: 'FOR', text: ({ scope }) => scope, narrow: 'name' },
    { title: 'SIZE', text: ({ size }) => shownSize(size), align: 'right' },
    { title: 'USED', text: ({ used_at }) => moments.ago(used_at) },
  ];
}

export interface CacheListFlags extends PageFlags {
  readonly pipeline?: string;
}

export async function listCaches(flags: CacheListFlags, terminal: Terminal): Promise<number> {
  const session = Session.open(flags, terminal);
  const { pipeline } = flags;
  return printPage(session, flags, {
    path: CACHE.path,
    query: {
      pipeline_id: pipeline === undefined ? undefined : await findPipeline(session.api, pipeline),
    },
    reader: cache,
    none: 'No caches. A step keeps what it downloads by one word, as `cache: npm`.',
    columns: cacheColumns(session.moments, terminal.columns !== undefined),
  });
}

export async function deleteCache(
  reference: string,
  flags: ClientFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const id = await findListed(session.api, CACHE, reference);
  await session.api.text({ method: 'DELETE', path: `${CACHE.path}/${id}` });
  if (!session.json) terminal.print(`Deleted ${id}.`);
  return exitCodes.success;
}
