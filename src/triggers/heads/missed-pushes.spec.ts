import { Logger } from '@nestjs/common';
import { standIn } from '../../../test/support/stand-in.js';
import { type Forge, ForgeError } from '../../integrations/forge/forge.js';
import type { RepositoriesService } from '../../repositories/repositories.service.js';
import type { RepositoryDocument } from '../../repositories/repository.schema.js';
import type { DeliveryInbox } from '../deliveries/delivery-inbox.js';
import { ForgeHeads } from './forge-heads.js';
import { MemoryHeadStore } from './memory-head-store.fixture.js';
import { MissedPushes } from './missed-pushes.js';

const START = Date.parse('2026-06-15T12:00:00Z');
const [SECOND, MINUTE] = [1_000, 60_000];
const sha = (letter: string): string => letter.repeat(40);

describe('what was pushed while nobody listened', () => {
  beforeAll(() => {
    Logger.overrideLogger(false);
  });
  let store: MemoryHeadStore;
  let repository: RepositoryDocument;
  let connected: RepositoryDocument[];
  let heads: Map<string, string>;
  let asked: number;
  let failure: ForgeError | undefined;
  let redelivered: number;
  let refusesRedelivery: boolean;
  let problems: string[];
  let missed: string[];
  let begunAt: number;

  beforeEach(() => {
    jest.useFakeTimers({ now: START, doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    store = new MemoryHeadStore();
    repository = {
      _id: 'r',
      full_name: 'acme/shop',
      problem: null,
      webhook: { id: '7' },
      created_at: new Date(START - MINUTE),
    } as RepositoryDocument;
    connected = [repository];
    heads = new Map([['main', sha('a')]]);
    [asked, redelivered, failure, refusesRedelivery] = [0, 0, undefined, false];
    [problems, missed, begunAt] = [[], [], START];
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  const forge = standIn<Forge>({
    heads: async () => {
      asked += 1;
      if (failure) throw failure;
      return new Map(heads);
    },
    redeliverFailed: async (_name, _id, since) => {
      expect(since.getTime()).toBe(begunAt);
      if (refusesRedelivery) throw new ForgeError('not_found', 'no right to see it');
      return redelivered;
    },
  });
  /** A process that starts now. */
  const start = (): MissedPushes => {
    const repositories = standIn<RepositoriesService>({
      all: async () => connected,
      atForge: (_repository, work) => work(forge, 'acme/shop'),
      noteProblem: async (id) => void problems.push(id),
    });
    const started = new MissedPushes(
      store,
      repositories,
      new ForgeHeads(repositories),
      standIn<DeliveryInbox>({
        receiveMissed: async ({ _id }, { branch, before, commit }, seenBy) => {
          missed.push(`${branch} ${before?.[0] ?? 'new'}>${commit[0]} ${seenBy ?? 'begun'}`);
          return '';
        },
      }),
    );
    started.onApplicationBootstrap();
    return started;
  };
  const pass = (ms: number): void => void jest.setSystemTime(Date.now() + ms);
  const after = async (process: MissedPushes, ms: number): Promise<void> => {
    pass(ms);
    await process.round();
  };

  it('begins with what is there', async () => {
    const process = start();
    await process.round();
    await process.round();
    expect([asked, missed]).toEqual([1, []]);
    expect(await store.heads('r')).toEqual(
      new Map([['main', { commit: sha('a'), deliveryId: null }]]),
    );
  });

  it('is told at the next start, when a webhook on its way had time to come', async () => {
    await start().round();
    heads.set('main', sha('b')).set('dev', sha('c'));
    pass(MINUTE);
    const process = start();
    await process.round();
    expect(missed).toEqual([]);
    await after(process, 10 * SECOND);
    expect(missed).toEqual(['main a>b begun', 'dev new>c begun']);
    // Until they are decided it is told again, to the same deliveries, and not faster than before.
    await after(process, 10 * SECOND);
    expect(asked).toBe(3);
  });

  it('is told also when the forge was away at the first look', async () => {
    failure = new ForgeError('unreachable', 'no answer');
    await start().round();
    failure = undefined;
    await store.record('r', 'main', { commit: sha('a'), deliveryId: 'd1' });
    heads.set('main', sha('b')).set('dev', sha('c'));
    pass(MINUTE);
    begunAt = START + MINUTE;
    const process = start();
    await process.round();
    await after(process, 10 * SECOND);
    expect(missed).toEqual(['main a>b d1']);
    expect(await store.heads('r')).toEqual(
      new Map([
        ['main', { commit: sha('a'), deliveryId: 'd1' }],
        ['dev', { commit: sha('c'), deliveryId: null }],
      ]),
    );
  });

  it('gives a webhook its time when several processes start one after the other', async () => {
    await start().round();
    heads.set('main', sha('b'));
    pass(MINUTE);
    for (let second = 0; second < 9; second++) {
      await start().round();
      pass(SECOND);
    }
    expect(missed).toEqual([]);
    const process = start();
    await after(process, 10 * SECOND);
    expect(missed).toEqual(['main a>b begun']);
  });

  it('is not told of a head that has moved on, or was recorded', async () => {
    await start().round();
    heads.set('main', sha('b')).set('dev', sha('c'));
    pass(MINUTE);
    const process = start();
    await process.round();
    heads.set('main', sha('d'));
    await store.record('r', 'dev', { commit: sha('c'), deliveryId: 'd1' });
    await after(process, 10 * SECOND);
    expect(missed).toEqual([]);
    await after(process, 10 * SECOND);
    expect(missed).toEqual(['main a>d begun']);
  });

  it('is looked for every ten minutes, by one of several processes', async () => {
    const all = [start(), start(), start()];
    for (let minute = 0; minute <= 20; minute++) {
      await Promise.all(all.map((one) => one.round()));
      pass(MINUTE);
    }
    expect(asked).toBe(3);
  });

  it('is looked for at each start', async () => {
    await start().round();
    pass(SECOND);
    await start().round();
    expect(asked).toBe(2);
  });

  it('is looked for half a minute after a start: what was pushed meanwhile may be listed late', async () => {
    await start().round();
    pass(MINUTE);
    const process = start();
    await process.round();
    heads.set('main', sha('b'));
    await after(process, 30 * SECOND);
    await after(process, 10 * SECOND);
    expect(missed).toEqual(['main a>b begun']);
    await after(process, MINUTE);
    expect(asked).toBe(4);
  });

  it('lets the forge send again what has failed, before heads are compared', async () => {
    await start().round();
    pass(MINUTE);
    const process = start();
    redelivered = 2;
    await process.round();
    expect(asked).toBe(1);
    redelivered = 0;
    await after(process, 30 * SECOND);
    expect(asked).toBe(1);
    await after(process, 30 * SECOND);
    expect(asked).toBe(2);
  });

  it('is found by the heads where the forge does not tell what has failed', async () => {
    await start().round();
    pass(MINUTE);
    refusesRedelivery = true;
    await start().round();
    expect([asked, problems]).toEqual([2, []]);
  });

  it('waits as long as the forge asks for', async () => {
    failure = new ForgeError('rate_limited', 'wait', 30 * MINUTE);
    const process = start();
    await process.round();
    await after(process, 29 * MINUTE);
    expect(asked).toBe(1);
    failure = undefined;
    await after(process, MINUTE);
    expect(asked).toBe(2);
    expect((await store.heads('r')).size).toBe(1);
  });

  it('asks a forge again that was away, and none that refuses the credential', async () => {
    failure = new ForgeError('unreachable', 'away');
    const process = start();
    await process.round();
    failure = new ForgeError('unauthorized', 'no');
    await after(process, MINUTE);
    expect([asked, problems]).toEqual([2, ['r']]);
    connected = [{ ...repository, problem: { code: 'unauthorized', message: '', at: new Date() } }];
    await after(process, 60 * MINUTE);
    expect(asked).toBe(2);
  });

  it('is forgotten with its repository, and begins again when that is connected again', async () => {
    const process = start();
    await process.round();
    connected = [];
    await process.round();
    expect(await store.checks()).toEqual([]);
    connected = [repository];
    await process.round();
    connected = [{ ...repository, created_at: new Date(Date.now() + MINUTE) }];
    heads.set('main', sha('b'));
    await after(process, 2 * MINUTE);
    await process.round();
    await after(process, 20 * MINUTE);
    expect(missed).toEqual([]);
    expect((await store.heads('r')).get('main')?.commit).toBe(sha('b'));
  });

  it('of one repository that cannot be looked at keeps no other from it', async () => {
    connected = [{ ...repository, _id: 'broken', created_at: null as unknown as Date }, repository];
    await store.claimCheck(undefined, {
      repositoryId: 'broken',
      begunAt: new Date(),
      askedAt: new Date(0),
      nextAt: new Date(0),
      differing: null as unknown as Map<string, string>,
    });
    failure = undefined;
    await start().round();
    expect((await store.heads('r')).size).toBe(1);
  });
});
