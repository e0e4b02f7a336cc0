import { liveTopic } from '../../integrations/event-bus/event-bus.js';
import { EndingFixture } from '../ending/ending.fixture.js';
import { executionFinished, type OutboxEvent } from '../record/outbox-event.js';
import { DueOutboxes } from './due-outboxes.js';
import type { ExecutionEvent, OutboxConsumer } from './outbox-consumers.js';
import { OUTBOX_QUEUE } from './outbox-relay.js';
import { retryDelayMs } from './retry-delay.js';
import { offerEvent } from './offer-event.js';

/** Notes what it gets, and refuses the first `refusals` times. */
class Listener implements OutboxConsumer {
  readonly types = ['execution.finished'] as const;
  readonly heard: string[] = [];

  constructor(
    readonly name: string,
    readonly isDirect = false,
    public refusals = 0,
  ) {}

  async handle(event: ExecutionEvent): Promise<void> {
    this.heard.push(event.id);
    await Promise.resolve();
    if (this.refusals-- > 0) throw new Error(`${this.name} has no time`);
  }
}

const finished = {
  status: 'failed',
  reason: null,
  started_at: null,
  finished_at: new Date(),
} as const;

describe('the outbox', () => {
  let fixture: EndingFixture;
  let id: string;

  beforeEach(async () => {
    fixture = new EndingFixture();
    ({ _id: id } = await fixture.insert());
  });
  afterEach(() => fixture.close());

  function listen(...of: ConstructorParameters<typeof Listener>): Listener {
    const listener = new Listener(...of);
    fixture.consumers.register(listener);
    return listener;
  }

  const end = () => fixture.endings.end({ executionId: id }, finished);
  const stored = () => fixture.executions.find(id);
  /** As it is after the process that ended it died before anybody got the news. */
  async function endUntold(...events: string[]): Promise<void> {
    jest.spyOn(fixture.handover, 'handOver').mockResolvedValue();
    await end();
    if (events.length === 0) return;
    const of = (event_id: string): OutboxEvent => ({
      ...executionFinished(id, new Date()),
      event_id,
    });
    fixture.executions.patch(id, { outbox: events.map(of) });
  }

  describe('handed over directly', () => {
    it('reaches direct consumers before the end returns, and leaves the document a little later', async () => {
      const direct = listen('direct', true);
      await end();
      expect(direct.heard).toEqual([`${id}:finished`]);
      expect((await stored())?.outbox).toHaveLength(1);
      await fixture.handover.onApplicationShutdown();
      expect(await stored()).not.toHaveProperty('outbox');
      await fixture.relay.relay(id);
      expect(direct.heard).toHaveLength(1);
    });

    it('is waited for by nobody where a consumer has time, and stays in the document until then', async () => {
      const direct = listen('direct', true);
      const taken = Promise.withResolvers<void>();
      const unhurried = {
        ...{ name: 'unhurried', types: ['execution.finished'] as const },
        ...{ isDirect: true, isUnhurried: true, handle: jest.fn(() => taken.promise) },
      };
      fixture.consumers.register(unhurried);
      await end();
      expect([direct.heard.length, unhurried.handle.mock.calls.length]).toEqual([1, 1]);
      const closed = jest.fn();
      const closing = fixture.handover.onApplicationShutdown().then(closed);
      await new Promise(setImmediate);
      expect(closed).not.toHaveBeenCalled();
      expect((await stored())?.outbox).toHaveLength(1);
      taken.resolve();
      await closing;
      expect(await stored()).not.toHaveProperty('outbox');
    });

    it('leaves many documents by one statement', async () => {
      const ids = await Promise.all(
        Array.from({ length: 50 }, async () => (await fixture.insert())._id),
      );
      for (const executionId of ids) await fixture.endings.end({ executionId }, finished);
      await fixture.handover.onApplicationShutdown();
      expect(fixture.outboxes.removals).toBe(1);
      expect(await fixture.outboxes.waiting(100)).toEqual([]);
    });

    it('is handed to the relay for those who are not direct, who alone get it then', async () => {
      const direct = listen('direct', true);
      const slow = listen('slow');
      fixture.relay.onApplicationBootstrap();
      await end();
      await until(async () => (await stored())?.outbox === undefined);
      expect([direct.heard, slow.heard]).toEqual([[`${id}:finished`], [`${id}:finished`]]);
    });

    it('is left to the relay when a direct consumer refuses: nothing is lost', async () => {
      const direct = listen('direct', true, 1);
      await end();
      await fixture.handover.onApplicationShutdown();
      expect((await stored())?.outbox).toHaveLength(1);
      await fixture.relay.relay(id);
      expect(direct.heard).toHaveLength(2);
      expect(await stored()).not.toHaveProperty('outbox');
    });

    it('comes again when it could not be removed', async () => {
      const direct = listen('direct', true);
      await end();
      fixture.outboxes.failure = new Error('refused');
      await fixture.handover.onApplicationShutdown();
      fixture.outboxes.failure = undefined;
      await fixture.relay.relay(id);
      expect(direct.heard).toEqual([`${id}:finished`, `${id}:finished`]);
      expect(await stored()).not.toHaveProperty('outbox');
    });
  });

  describe('relayed', () => {
    it('tells the feed `end` of an execution whose process died before it did', async () => {
      const hints: string[] = [];
      fixture.bus.subscribe(liveTopic(id), (hint) => hints.push(hint));
      await endUntold();
      await fixture.relay.relay(id);
      await until(() => Promise.resolve(hints.includes('end')));
      expect(await stored()).not.toHaveProperty('outbox');
      expect(await stored()).not.toHaveProperty('outbox_due');
    });

    it('goes to each consumer that wants it, in the order of the news', async () => {
      const [first, second] = [listen('first'), listen('second')];
      await endUntold('a', 'b', 'c');
      await fixture.relay.relay(id);
      expect(first.heard).toEqual(['a', 'b', 'c']);
      expect(second.heard).toEqual(['a', 'b', 'c']);
      expect(await stored()).not.toHaveProperty('outbox');
    });

    it('stops at news that are refused, and asks only who refused them again', async () => {
      const willing = listen('willing');
      const busy = listen('busy', false, 2);
      await endUntold('a', 'b');
      const before = Date.now();
      await fixture.relay.relay(id);
      const [waiting] = await fixture.outboxes.waiting(1);
      expect(waiting).toMatchObject({ executionId: id, tries: 1 });
      expect(waiting?.due.getTime()).toBeGreaterThanOrEqual(before + retryDelayMs(1));
      await fixture.relay.relay(id);
      expect((await fixture.outboxes.waiting(1))[0]).toMatchObject({ tries: 2 });
      await fixture.relay.relay(id);
      expect(willing.heard).toEqual(['a', 'b']);
      expect(busy.heard).toEqual(['a', 'a', 'a', 'b']);
      expect(await fixture.outboxes.waiting(1)).toEqual([]);
    });

    it('is at least once for several relays at the same time', async () => {
      const listener = listen('listener');
      await endUntold('a', 'b');
      await Promise.all([fixture.relay.relay(id), fixture.relay.relay(id)]);
      expect(new Set(listener.heard)).toEqual(new Set(['a', 'b']));
      expect(await stored()).not.toHaveProperty('outbox');
    });

    it('does not change an execution that an older release stored, without an outbox', async () => {
      const before = await stored();
      await fixture.relay.relay(id);
      await fixture.relay.relay('no such execution');
      expect(await stored()).toEqual(before);
    });

    it('refuses two consumers of one name', () => {
      expect(() => listen('live-feed')).toThrow('live-feed');
    });
  });

  describe('reconciled', () => {
    const waiting = () => fixture.jobs.waiting(OUTBOX_QUEUE);

    it('makes no job while the process that made the news has time to tell them', async () => {
      await endUntold();
      await fixture.relay.enqueueDue();
      expect(await waiting()).toBe(0);
    });

    it('makes a job of what is due, which is one however many make it', async () => {
      await endUntold();
      fixture.executions.patch(id, { outbox_due: new Date(Date.now() - 1) });
      await fixture.relay.enqueueDue();
      await fixture.relay.enqueueDue();
      expect(await waiting()).toBe(1);
      fixture.relay.onApplicationBootstrap();
      await until(async () => (await stored())?.outbox === undefined);
    });

    it('continues when the queue is away', async () => {
      await endUntold();
      fixture.executions.patch(id, { outbox_due: new Date(1) });
      jest.spyOn(fixture.jobs, 'renew').mockRejectedValueOnce(new Error('Redis is away'));
      await fixture.relay.enqueueDue();
      expect(await waiting()).toBe(0);
      await fixture.relay.enqueueDue();
      expect(await waiting()).toBe(1);
    });
  });
});

describe('DueOutboxes', () => {
  let [wall, monotonic] = [1_000_000, 0];
  const due = (tries: number, at: number) => ({ executionId: 'e', tries, due: new Date(at) });
  const among = new DueOutboxes(
    () => wall,
    () => monotonic,
  );

  it('believes a clock that is ahead no longer than the news should rest', () => {
    const ahead = due(1, wall + 3_600_000);
    expect(among.among([ahead])).toEqual([]);
    wall += 1;
    monotonic += retryDelayMs(1) - 1;
    expect(among.among([ahead])).toEqual([]);
    monotonic += 1;
    expect(among.among([ahead])).toEqual([ahead]);
  });

  it('counts again when the outbox has changed, and takes what is due at once', () => {
    const changed = due(2, wall + 3_600_001);
    expect(among.among([changed])).toEqual([]);
    const now = due(2, wall);
    expect(among.among([now, changed])).toEqual([now]);
  });
});

describe('tell', () => {
  it('counts a consumer that does not end as one that refused, and says so to it', async () => {
    let isStopped = false;
    const hung: OutboxConsumer = {
      name: 'hung',
      types: ['execution.finished'],
      isDirect: false,
      handle: (_event, signal) => {
        signal.addEventListener('abort', () => (isStopped = true));
        return new Promise(() => undefined);
      },
    };
    const thrower: OutboxConsumer = {
      ...hung,
      name: 'thrower',
      handle: () => {
        throw new Error('at once');
      },
    };
    const event = { event_id: 'x', type: 'execution.finished', at: new Date() } as const;
    const offered = await offerEvent('e', event, [hung, thrower, new Listener('fine')], 10);
    expect(offered.takenBy).toEqual(['fine']);
    expect(offered.refused.map(({ consumer }) => consumer)).toEqual(['thrower', 'hung']);
    expect(isStopped).toBe(true);
  });

  it('waits longer each time, and never longer than ten minutes', () => {
    expect([0, 1, 2, 3].map(retryDelayMs)).toEqual([5_000, 10_000, 20_000, 40_000]);
    expect([20, 1_000_000].map(retryDelayMs)).toEqual([600_000, 600_000]);
  });
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 1_000; turn += 1) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error('it did not come to that');
}
