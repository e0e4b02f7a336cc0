import { shownSize } from '../../common/values/shown-size.js';
import { cache, type Cache } from '../api/wire-readers.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';
import type { Terminal } from '../terminal/terminal.js';
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

export interface CacheListFlags extends PageFlags {
  readonly pipeline?: string;
}

export async function listCaches(flags: CacheListFlags, terminal: Terminal): Promise<number> {
  const session = Session.open(flags, terminal);
  const { pipeline } = flags;
  const { moments } = session;
  return printPage(session, flags, {
    path: CACHE.path,
    query: {
      pipeline_id: pipeline === undefined ? undefined : await findPipeline(session.api, pipeline),
    },
    reader: cache,
    none: 'No caches. A step keeps what it downloads by one word, as `cache: npm`.',
    columns: [
      { title: 'ID', text: ({ id }) => id, narrow: 'id' },
      { title: 'KEY', text: ({ key }) => key, narrow: 'name' },
      { title: 'FOR', text: ({ scope }) => scope },
      { title: 'SIZE', text: ({ size }) => shownSize(size), align: 'right' },
      { title: 'USED', text: ({ used_at }) => moments.ago(used_at) },
    ],
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
