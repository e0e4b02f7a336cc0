import { Logger } from '@nestjs/common';
import { AlertsWorld } from '../alerts-world.fixture.js';
import type { Alert } from '../alerts/alert.js';
import { reason } from './alert-channels.js';
import { GIVE_UP_MS, pauseAfter } from './alert-sender.js';

const OPS = 'https://ops.example/';
const BOSS = 'https://boss.example/';

describe('AlertSender', () => {
  let world: AlertsWorld;
  const heard = (): string[] => world.heard.splice(0);
  const alerts = async (): Promise<readonly Alert[]> => {
    const { id } = await world.service('shop');
    return [...(await world.alerts.page(id, { limit: 50 })).items].reverse();
  };

  beforeAll(() => {
    Logger.overrideLogger(false);
  });
  afterAll(() => {
    Logger.overrideLogger(['error']);
  });
  beforeEach(async () => {
    world = new AlertsWorld();
    await world.has('shop');
    await world.goes('shop', 'running');
    await world.hears('shop', OPS);
    await world.hears('shop', BOSS, 'boss');
    await world.round();
  });
  afterEach(async () => {
    await world.end();
  });

  it('tries again, later each time, and tells the rest in order meanwhile and after', async () => {
    world.broken.set(OPS, reason('timeout'));
    await world.goes('shop', 'failed');
    await world.pass(1);
    await world.goes('shop', 'running');
    await world.pass(1);
    expect(heard()).toEqual([`${BOSS}: default/shop failed`, `${BOSS}: default/shop running`]);
    const [failed, running] = await alerts();
    const [toOps] = failed?.deliveries.filter(({ name }) => name === 'ops') ?? [];
    expect(toOps).toMatchObject({ state: 'pending', attempts: 1, reason: { code: 'timeout' } });
    expect(toOps?.next_at?.getTime()).toBe(world.now - 1_000 + pauseAfter(1));
    expect(running?.due_at).toEqual(failed?.due_at);
    world.broken.clear();
    await world.pass(3);
    expect(heard()).toEqual([]);
    await world.pass(1);
    expect(heard()).toEqual([`${OPS}: default/shop failed`, `${OPS}: default/shop running`]);
    expect((await alerts()).map(({ due_at }) => due_at)).toEqual([null, null]);
  });

  it('waits from 5 seconds to 15 minutes', () => {
    expect([1, 2, 3, 8, 9, 500].map(pauseAfter)).toEqual([
      ...[5_000, 10_000, 20_000, 640_000, 900_000, 900_000],
    ]);
  });

  it('gives an alert up after a day, says why, and continues', async () => {
    world.broken.set(OPS, reason('unexpected_status', 'it answers with the status 500'));
    await world.goes('shop', 'failed');
    await world.pass(1);
    heard();
    world.now += GIVE_UP_MS;
    await world.goes('shop', 'running');
    await world.round();
    const [failed, running] = await alerts();
    expect(failed?.deliveries.find(({ name }) => name === 'ops')).toMatchObject({
      ...{ state: 'failed', attempts: 2, next_at: null },
      reason: { code: 'unexpected_status', message: 'it answers with the status 500' },
    });
    expect(running?.deliveries.map(({ state }) => state).sort()).toEqual(['delivered', 'pending']);
    world.broken.clear();
    await world.pass(5);
    expect(heard()).toContain(`${OPS}: default/shop running`);
  });

  it('gives up what a channel was not told that is removed', async () => {
    world.broken.set(OPS, reason('timeout'));
    await world.goes('shop', 'failed');
    await world.pass(1);
    const { id } = await world.service('shop');
    await world.channels.remove(`${id}:ops`);
    await world.pass(5);
    const [failed] = await alerts();
    expect(failed?.deliveries.find(({ name }) => name === 'ops')).toMatchObject({
      ...{ state: 'failed', reason: { code: 'channel_removed' } },
    });
  });

  it('tries one that cannot be opened again, and harms no other', async () => {
    const target = world.channels.target.bind(world.channels);
    jest.spyOn(world.channels, 'target').mockImplementation(async (id) => {
      if (id.endsWith(':ops')) throw new Error('no key');
      return target(id);
    });
    await world.goes('shop', 'failed');
    await world.pass(1);
    jest.restoreAllMocks();
    expect(heard()).toEqual([`${BOSS}: default/shop failed`]);
    await world.pass(5);
    expect(heard()).toEqual([`${OPS}: default/shop failed`]);
  });

  it('ends at once when another process is at it', async () => {
    await world.goes('shop', 'failed');
    jest.spyOn(world.sender, 'send').mockResolvedValueOnce();
    await world.pass(1);
    await world.sender.send(
      () => world.heard.length > 0,
      () => world.now,
    );
    expect(heard()).toHaveLength(1);
  });
});
