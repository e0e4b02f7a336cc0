import { shownSize } from '../../common/values/shown-size.js';
import { cache } from '../api/wire-readers.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';
import type { Terminal } from '../terminal/terminal.js';
import { findPipeline } from './find-pipeline.js';
import { type PageFlags, printPage } from './list-page.js';
import { type ClientFlags, Session } from './session.js';

export interface CacheListFlags extends PageFlags {
  readonly pipeline?: string;
}

export async function listCaches(flags: CacheListFlags, terminal: Terminal): Promise<number> {
  const session = Session.open(flags, terminal);
  const { pipeline } = flags;
  const { moments } = session;
  return printPage(session, flags, {
    path: '/api/caches',
    query: {
      pipeline_id: pipeline === undefined ? undefined : await findPipeline(session.api, pipeline),
    },
    reader: cache,
    none: 'No caches. A step keeps what it downloads by one word, as `cache: npm`.',
    columns: [
      { title: 'ID', text: ({ id }) => id },
      { title: 'KEY', text: ({ key }) => key, shrinks: true },
      { title: 'FOR', text: ({ scope }) => scope },
      { title: 'SIZE', text: ({ size }) => shownSize(size), align: 'right' },
      { title: 'USED', text: ({ used_at }) => moments.ago(used_at) },
    ],
  });
}

export async function deleteCache(
  id: string,
  flags: ClientFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const path = `/api/caches/${encodeURIComponent(id)}`;
  await session.api.text({ method: 'DELETE', path });
  if (!session.json) terminal.print(`Deleted ${cleanText(id)}.`);
  return exitCodes.success;
}
