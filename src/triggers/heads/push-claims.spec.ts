import { uuidV7 } from '../../common/ids/uuid.js';
import { BLANK_EVENT, type ForgeEvent } from '../../integrations/forge/forge-event.js';
import type { DeliveryDocument } from '../deliveries/delivery.schema.js';
import { MemoryHeadStore } from './memory-head-store.fixture.js';
import { PushClaims } from './push-claims.js';

const REPOSITORY = 'r';
const sha = (letter: string): string => letter.repeat(40);

type Change = Partial<DeliveryDocument>;

describe('the claim of a push', () => {
  let store: MemoryHeadStore;
  let claims: PushClaims;

  beforeEach(() => {
    store = new MemoryHeadStore();
    claims = new PushClaims(store);
  });

  const delivery = (change: Change = {}): DeliveryDocument =>
    ({ _id: uuidV7(), repository_id: REPOSITORY, ...change }) as DeliveryDocument;
  const missed: Change = { kind: 'missed_push' };
  const event = (before: string | null, commit: string | null): ForgeEvent => ({
    ...BLANK_EVENT,
    kind: 'push',
    branch: 'main',
    before: before && sha(before),
    commit: commit && sha(commit),
  });
  /** Decides a delivery that came just now. Null: another one has decided. */
  const decide = async (
    before: string | null,
    commit: string | null,
    change: Change = {},
  ): Promise<string | null> => {
    const one = delivery(change);
    const other = await claims.claim(one, event(before, commit));
    if (other === undefined || one.kind === 'missed_push') {
      await claims.note(one, event(before, commit));
    }
    return other === undefined ? one._id : null;
  };
  const head = async (): Promise<string | undefined> =>
    (await store.heads(REPOSITORY)).get('main')?.commit.charAt(0);

  it('is of one of a webhook and a comparison, and of that one again', async () => {
    const [hook, compared] = [delivery(), delivery(missed)];
    const push = event('a', 'b');
    expect(await claims.claim(compared, push)).toBeUndefined();
    expect(await claims.claim(compared, push)).toBeUndefined();
    expect(await claims.claim(hook, push)).toBe(compared._id);
    expect(await claims.claim(hook, push)).toBe(compared._id);
  });

  it('of twenty at once, of several processes, is of one', async () => {
    const all = Array.from({ length: 20 }, () => delivery(missed));
    const others = await Promise.all(all.map((one) => claims.claim(one, event('a', 'b'))));
    expect(others.filter((other) => other === undefined)).toHaveLength(1);
  });

  it('lets a webhook that came first decide, whatever it says was there before', async () => {
    expect(await decide('a', 'b')).not.toBeNull();
    expect(await decide('b', 'c')).not.toBeNull();
    expect(await decide('a', 'c', missed)).toBeNull();
  });

  it('of pushes that came late decides those between, and the last one once', async () => {
    await decide(null, 'a');
    expect(await decide('a', 'c', missed)).not.toBeNull();
    expect(await decide('a', 'b')).not.toBeNull();
    expect(await decide('b', 'c')).toBeNull();
    // The late one has set the head back, which the next comparison finds.
    expect(await head()).toBe('b');
    expect(await decide('b', 'c', missed)).toBeNull();
    expect(await head()).toBe('c');
  });

  it('decides a commit that was brought back by a push after that', async () => {
    await decide(null, 'a');
    await decide('a', 'c', missed);
    expect(await decide('c', 'd')).not.toBeNull();
    expect(await decide('d', 'c')).not.toBeNull();
    expect(await decide('c', 'a')).not.toBeNull();
    expect(await decide('a', 'c')).not.toBeNull();
  });

  it('decides a commit that was brought back while nobody listened, once', async () => {
    await decide(null, 'c');
    await decide('c', 'a');
    expect(await decide('a', 'c', missed)).not.toBeNull();
    expect(await decide('a', 'c')).toBeNull();
  });

  it('is not of replays and shows, which note no head either', async () => {
    await decide('a', 'b');
    expect(await decide('a', 'b', { ...missed, replay_of: 'x' })).not.toBeNull();
    expect(await decide('a', 'c', { ...missed, dry_run: true })).not.toBeNull();
    expect(await head()).toBe('b');
  });

  it('is not of other events; a branch that is deleted has no head', async () => {
    const tag: ForgeEvent = { ...event('a', 'b'), kind: 'tag', branch: null, tag: 'v1' };
    for (const one of [delivery(missed), delivery()]) {
      expect(await claims.claim(one, tag)).toBeUndefined();
    }
    await decide('a', 'b');
    await decide('b', null);
    expect(await head()).toBeUndefined();
  });
});
