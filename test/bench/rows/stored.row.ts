import { encodeCursor } from '../../../src/common/http/paging.js';
import type { Rig, Server } from '../rig.js';
import { median } from '../rounds.js';
import { atMost, type Goal, type Row, shown } from '../row.js';
import { fill, type Filled, pipelineId } from '../stored-executions.js';

const FEW = 100;
const MANY = 100_000;
const PAGE = 20;
/** Requests of each kind to each server for one round. */
const REQUESTS = 8;
const MAX_RATIO = 2;

interface Side {
  readonly server: Server;
  readonly filled: Filled;
}

interface Kind {
  readonly what: string;
  path(filled: Filled): string;
}

const OFTEN = `pipeline_id=${pipelineId(15)}`;
const SELDOM = `pipeline_id=${pipelineId(6)}`;

const filters: readonly (readonly [what: string, query: string])[] = [
  ['all', ''],
  ['a pipeline with half of all', OFTEN],
  ['a pipeline with 1 of 500', SELDOM],
  ['a pipeline with none', `pipeline_id=${pipelineId(99)}`],
  ['status success (90 %)', 'status=success'],
  ['status cancelled (2 %)', 'status=cancelled'],
  ['branch main (60 %)', 'branch=main'],
  ['branch feature-7 (0.8 %)', 'branch=feature-7'],
  ['pipeline and status failed (4 %)', `${OFTEN}&status=failed`],
  ['pipeline and branch (30 %)', `${OFTEN}&branch=main`],
  ['status and branch (0.2 %)', 'status=cancelled&branch=feature-7'],
];

const kinds: readonly Kind[] = [
  { what: 'one execution', path: ({ middle }) => `/api/ci/executions/${middle}` },
  ...filters.flatMap(([what, query]) => [
    { what: `newest page, ${what}`, path: () => list(query) },
    {
      what: `page in the middle, ${what}`,
      path: ({ middle }: Filled) => list(`${query}&cursor=${encodeCursor(middle)}`),
    },
  ]),
];

/**
 * The same reads over 100 and over 100,000 stored executions, in turns. Where 100 executions do not
 * fill the page that 100,000 fill, the page is compared with one that is full.
 */
export const stored: Row = {
  id: 'stored',
  measure: async (rig, rounds) => {
    const [few, many] = await Promise.all([side(rig, FEW), side(rig, MANY)]);
    const goals: Goal[] = [];
    for (const kind of kinds) goals.push(await compare(kind, few, many, rounds));
    // What they do by themselves, such as removing what is old, is no part of other rows.
    for (const { server } of [few, many]) await rig.stopServer(server);
    return {
      work: `${MANY} stored executions beside ${FEW}, pages of ${PAGE}`,
      times: {},
      goals,
    };
  },
};

async function side(rig: Rig, count: number): Promise<Side> {
  const name = `bench_stored_${count}`;
  const server = await rig.startServer(name, 0);
  return { server, filled: await fill(rig.mongodbUri, name, count) };
}

async function compare({ what, path }: Kind, few: Side, many: Side, rounds: number): Promise<Goal> {
  const times: Record<'few' | 'many' | 'fullPage', number[]> = { few: [], many: [], fullPage: [] };
  for (let request = 0; request < rounds * REQUESTS; request++) {
    times.few.push(await timed(few.server, path(few.filled)));
    times.many.push(await timed(many.server, path(many.filled)));
    times.fullPage.push(await timed(few.server, list('')));
  }
  const [before, after] = [median(times.few), median(times.many)];
  const isList = path(few.filled).includes('?');
  const sameSize =
    !isList || (await rows(few, path(few.filled))) === (await rows(many, path(many.filled)));
  const base = sameSize ? before : median(times.fullPage);
  const goal = atMost(what, MAX_RATIO, after / base);
  const measured = `x ${goal.measured} (${shown(base)} -> ${shown(after)} ms)`;
  return { ...goal, measured, wanted: `<= x ${MAX_RATIO}` };
}

async function timed({ http }: Server, path: string): Promise<number> {
  const began = performance.now();
  const answer = await http.send('GET', path);
  const took = performance.now() - began;
  if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.status}`);
  return took;
}

async function rows({ server }: Side, path: string): Promise<number> {
  return (await server.http.json<{ items: unknown[] }>('GET', path)).items.length;
}

function list(query: string): string {
  return `/api/ci/executions?limit=${PAGE}&${query}`.replace(/&+/g, '&').replace(/&$/, '');
}
