import { Logger } from '@nestjs/common';
import { begun, ended } from '../service-registry/record/maintenance.js';
import { REGISTERED_SHARD } from '../service-registry/record/watched-service.js';
import { failureRecordId } from '../service-registry/failures/failure-record.js';
import { channelId } from './channels/channel.js';
import { AlertsWorld } from './alerts-world.fixture.js';

const OPS = 'https://ops.example/';
const DB = 'https://db-team.example/';

const SLOW = { name: 'queue', type: 'exec', intervalMs: 20_000, timeoutMs: 5_000 } as const;

describe('alerts', () => {
  let world: AlertsWorld;
  const heard = (): string[] => world.heard.splice(0);

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
    await world.round();
  });
  afterEach(async () => {
    await world.end();
  });

  it('tell each change once, and its end', async () => {
    expect(heard()).toEqual([]);
    await world.goes('shop', 'degraded');
    for (let n = 0; n < 3; n += 1) await world.pass(2);
    expect(heard()).toEqual([`${OPS}: default/shop degraded`]);
    await world.goes('shop', 'failed');
    await world.pass(2);
    await world.goes('shop', 'running');
    await world.pass(2);
    expect(heard()).toEqual([`${OPS}: default/shop failed`, `${OPS}: default/shop running`]);
  });

  it('tell once, behind the failure, that nothing more is done about it', async () => {
    const left = (seq: number, attempt: number): Promise<boolean> =>
      world.failures.add({
        ...{ _id: failureRecordId('default/shop', seq, attempt), service: 'default/shop' },
        ...{ seq, attempt, action: 'none', release: 2, deployment_id: null, state: 'left' },
        ...{ reason: { code: 'left_failed', message: 'used up' }, at: new Date(world.now) },
      });
    await left(2, 1);
    await world.goes('shop', 'failed');
    await world.pass(2);
    await world.restart();
    for (let n = 0; n < 3; n += 1) await world.pass(2);
    expect(world.sent.map(({ from, to, reason }) => [from, to, reason.code])).toEqual([
      ['running', 'failed', 'code'],
      ['failed', 'failed', 'left_failed'],
    ]);
    // That nobody looked in between is no other failure.
    await world.goes('shop', 'unknown');
    await world.goes('shop', 'failed');
    await world.pass(2);
    expect(world.sent).toHaveLength(2);
    await world.goes('shop', 'running');
    await world.pass(2);
    await world.goes('shop', 'failed');
    for (let n = 0; n < 3; n += 1) await world.pass(2);
    expect(world.sent.slice(2).map(({ to }) => to)).toEqual(['running', 'failed']);
  });

  it('tell both of a short outage, in order and with their times', async () => {
    const [down, up] = [world.now, world.now + 1_000];
    await world.goes('shop', 'failed');
    world.now = up;
    await world.goes('shop', 'running');
    await world.pass(60);
    expect(world.sent.map(({ to, at }) => [to, at.getTime()])).toEqual([
      ['failed', down],
      ['running', up],
    ]);
  });

  it('tell nothing of what was before there was a channel', async () => {
    await world.has('old');
    await world.goes('old', 'failed');
    await world.hears('old', OPS);
    await world.pass(2);
    expect(heard()).toEqual([]);
    await world.goes('old', 'running');
    await world.pass(2);
    expect(heard()).toEqual([`${OPS}: default/old running`]);
  });

  it('begin again when a channel was away', async () => {
    const { id } = await world.service('shop');
    await world.channels.remove(`${id}:ops`);
    await world.pass(2);
    await world.goes('shop', 'failed');
    await world.goes('shop', 'running');
    await world.pass(2);
    await world.hears('shop', OPS);
    await world.pass(2);
    await world.pass(2);
    expect(heard()).toEqual([]);
    expect((await world.alerts.page(id, { limit: 9 })).items).toEqual([]);
  });

  it('are none of a planned stop, but tell the end of what was told', async () => {
    await world.goes('shop', 'stopped');
    await world.pass(2);
    await world.goes('shop', 'running');
    await world.pass(2);
    expect(heard()).toEqual([]);
    await world.goes('shop', 'failed');
    await world.goes('shop', 'stopped');
    await world.pass(2);
    expect(heard()).toEqual([`${OPS}: default/shop failed`, `${OPS}: default/shop stopped`]);
  });

  it.each([1, 2, 3])('are the same when write %d is the last of a process', async (last) => {
    await world.goes('shop', 'failed');
    await world.goes('shop', 'running');
    const writes = { left: last };
    for (const name of ['insert', 'saveState'] as const) {
      const write = world.alerts[name].bind(world.alerts) as (one: unknown) => Promise<never>;
      jest.spyOn(world.alerts, name).mockImplementation(async (one: unknown) => {
        if (writes.left === 0) throw new Error('killed');
        writes.left -= 1;
        const answer = await write(one);
        return answer;
      });
    }
    await world.pass(2);
    jest.restoreAllMocks();
    await world.restart();
    for (let n = 0; n < 3; n += 1) await world.pass(2);
    expect(heard()).toEqual([`${OPS}: default/shop failed`, `${OPS}: default/shop running`]);
  });

  it('are no others when what was told is decided once more by one who knows more', async () => {
    await world.has('db');
    await world.goes('db', 'running');
    await world.services.change('default/shop', { dependencies: ['default/db'] }, new Date(), 'r');
    await world.pass(2);
    await world.goes('shop', 'failed');
    jest.spyOn(world.alerts, 'saveState').mockRejectedValue(new Error('killed'));
    await world.pass(15);
    jest.restoreAllMocks();
    expect(heard()).toEqual([`${OPS}: default/shop failed`]);
    world.now -= 5_000;
    await world.goes('db', 'failed');
    await world.restart();
    await world.pass(5);
    await world.goes('shop', 'running');
    await world.pass(2);
    expect(heard()).toEqual([`${OPS}: default/shop running`]);
  });

  describe('within a maintenance window', () => {
    const window = async (minutes: number): Promise<void> => {
      const { maintenance } = await world.service('shop');
      const from = new Date(world.now);
      const until = new Date(world.now + minutes * 60_000);
      const next = begun(maintenance, { from, until, ended_at: null, reason: null, by: 'ada' });
      expect(await world.services.maintain('default/shop', next)).toBe(true);
    };
    const close = async (): Promise<void> => {
      const { maintenance } = await world.service('shop');
      await world.services.maintain('default/shop', ended(maintenance, new Date(world.now)));
    };

    it('are none, and none after it when all is as before', async () => {
      await window(10);
      await world.goes('shop', 'failed');
      await world.pass(60);
      await world.goes('shop', 'running');
      await world.pass(600);
      expect(heard()).toEqual([]);
    });

    it('are none, and one after it of what is different', async () => {
      await window(10);
      for (const to of ['failed', 'running', 'degraded', 'failed'] as const) {
        await world.pass(10);
        await world.goes('shop', to);
      }
      await world.pass(10);
      expect(heard()).toEqual([]);
      await close();
      await world.pass(2);
      expect(heard()).toEqual([`${OPS}: default/shop failed`]);
      await world.goes('shop', 'running');
      await world.pass(2);
      expect(heard()).toEqual([`${OPS}: default/shop running`]);
    });

    it('that came earlier are told, and those after it', async () => {
      await world.goes('shop', 'failed');
      world.now += 1_000;
      await window(10);
      await world.pass(2);
      await world.goes('shop', 'running');
      await world.pass(2);
      expect(heard()).toEqual([`${OPS}: default/shop failed`]);
      await world.restart();
      world.now += 600_000;
      await world.goes('shop', 'failed');
      await world.pass(2);
      expect(heard()).toEqual([`${OPS}: default/shop running`, `${OPS}: default/shop failed`]);
    });
  });

  it('are none during the switch of a deployment, until a check has seen what came of it', async () => {
    const deployment = { deploymentId: 'd1', from: new Date(world.now), isServing: true };
    world.deployed.switched.set('default/shop', [{ ...deployment, until: null }]);
    await world.pass(1);
    await world.goes('shop', 'failed');
    await world.pass(120);
    const until = new Date(world.now);
    world.deployed.switched.set('default/shop', [{ ...deployment, until }]);
    await world.pass(34);
    expect(heard()).toEqual([]);
    await world.pass(1);
    expect(heard()).toEqual([`${OPS}: default/shop failed`]);
  });

  it('wait for checks of the instance behind a switch, too', async () => {
    world.deployed.has('shop', { hasInstance: true, checks: [SLOW] });
    const from = new Date(world.now);
    const deployment = { deploymentId: 'd1', from, until: from, isServing: true };
    world.deployed.switched.set('default/shop', [deployment]);
    await world.goes('shop', 'failed');
    await world.pass(64);
    expect(heard()).toEqual([]);
    await world.pass(1);
    expect(heard()).toEqual([`${OPS}: default/shop failed`]);
  });

  it.each([
    [50, '50 seconds after it'],
    [120, '2 minutes after it'],
    [3_600, '60 minutes after it'],
    [3_601, undefined],
  ])('name the deployment that serves for %d seconds', async (seconds, words) => {
    const from = new Date(world.now);
    const one = { deploymentId: 'd1', from, until: from, isServing: true };
    const other = { ...one, deploymentId: 'd2', isServing: false };
    world.deployed.switched.set('default/shop', [other, one]);
    world.now += seconds * 1000;
    await world.goes('shop', 'failed', 'all endpoints fail');
    await world.pass(2);
    const [alert] = world.sent;
    const text = `all endpoints fail; failed since the deployment d1 of 14:00 UTC, ${words}`;
    expect(alert?.reason.message).toBe(words === undefined ? 'all endpoints fail' : text);
    expect(alert?.after_deployment).toEqual(
      words === undefined ? null : { deployment_id: 'd1', at: from, seconds },
    );
  });

  it('leave channels of pipelines alone, until there is no such pipeline', async () => {
    const at = new Date(world.now);
    for (const subject of ['kept', 'gone']) {
      await world.channels.set(
        {
          ...{ _id: channelId(subject, 'ops'), subject, name: 'ops', ends: ['failure'] },
          ...{ type: 'email', signed: false, created_by: 'ada', created_at: at, updated_at: at },
        },
        { type: 'email', to: ['a@b.c'] },
      );
    }
    world.pipelines.add('kept');
    await world.pass(3_600);
    expect(await world.channels.of('kept')).toHaveLength(1);
    expect(await world.channels.of('gone')).toEqual([]);
  });

  it('are short, whatever a check says', async () => {
    await world.goes('shop', 'failed', 'x'.repeat(100_000));
    await world.pass(2);
    expect(world.sent[0]?.reason.message).toHaveLength(1_000);
  });

  describe('of what needs others', () => {
    beforeEach(async () => {
      await world.has('db');
      await world.goes('db', 'running');
      const dependencies = ['default/db'];
      await world.services.change('default/shop', { dependencies }, new Date(), 'r');
      await world.pass(2);
    });

    it('wait until those were asked once more, and then stand alone', async () => {
      await world.goes('shop', 'failed');
      await world.pass(14);
      expect(heard()).toEqual([]);
      await world.pass(1);
      expect(heard()).toEqual([`${OPS}: default/shop failed`]);
    });

    it('wait for checks of their instances, too', async () => {
      world.deployed.has('db', { hasInstance: true, checks: [SLOW] });
      await world.goes('shop', 'failed');
      await world.pass(54);
      expect(heard()).toEqual([]);
      await world.pass(1);
      expect(heard()).toEqual([`${OPS}: default/shop failed`]);
    });

    it('are one, of the root, which names what followed', async () => {
      await world.hears('db', DB);
      await world.pass(2);
      await world.goes('shop', 'failed');
      await world.pass(10);
      await world.goes('db', 'failed');
      await world.pass(10);
      await world.pass(10);
      expect(heard()).toEqual([`${DB}: default/db failed`, `${OPS}: default/db failed`]);
      const { id } = await world.service('db');
      const [root] = (await world.alerts.page(id, { limit: 1 })).items;
      expect(root).toMatchObject({
        followers: [{ service: 'default/shop', status: 'failed' }],
      });
      await world.goes('db', 'running');
      await world.pass(2);
      expect(heard()).toEqual([`${DB}: default/db running`, `${OPS}: default/db running`]);
      await world.goes('shop', 'running');
      await world.pass(60);
      expect(heard()).toEqual([]);
    });

    it('go once to those who hear of both', async () => {
      await world.hears('db', OPS);
      await world.pass(2);
      await world.goes('db', 'failed');
      await world.goes('shop', 'failed');
      await world.pass(20);
      expect(heard()).toEqual([`${OPS}: default/db failed`]);
    });

    it('are of the root also when it was short and is over by then', async () => {
      await world.goes('db', 'failed');
      await world.goes('shop', 'failed');
      await world.pass(5);
      await world.goes('db', 'running');
      await world.goes('shop', 'running');
      await world.pass(30);
      await world.pass(30);
      expect(heard()).toEqual([`${OPS}: default/db failed`, `${OPS}: default/db running`]);
    });

    it.each([
      ['its own check', 24, []],
      ['checks of its instance, too', 54, [SLOW]],
    ])('come when %s had the time to see the root well', async (_what, seconds, checks) => {
      world.deployed.has('shop', { hasInstance: true, checks });
      await world.goes('db', 'failed');
      await world.goes('shop', 'failed');
      await world.pass(20);
      await world.goes('db', 'running');
      await world.pass(10);
      heard();
      await world.pass(seconds);
      expect(heard()).toEqual([]);
      await world.pass(2);
      expect(heard()).toEqual([`${OPS}: default/shop failed`]);
      await world.goes('shop', 'running');
      await world.pass(2);
      expect(heard()).toEqual([`${OPS}: default/shop running`]);
    });

    it('name what is stopped by will, of which nobody is told', async () => {
      await world.goes('db', 'stopped');
      await world.goes('shop', 'failed');
      await world.pass(20);
      expect(heard()).toEqual([`${OPS}: default/shop failed`]);
      expect(world.sent[0]?.caused_by).toEqual(['default/db']);
    });
  });

  describe('of the monitor', () => {
    const observed = async (more = {}): Promise<void> => {
      const at = new Date(world.now);
      await world.services.observed({ _id: REGISTERED_SHARD, fence: 1, observed_at: at, ...more });
    };

    it('are one for all services, and one when it is back', async () => {
      await world.has('site');
      await world.goes('site', 'running');
      await world.hears('site', OPS, 'other');
      await world.pass(2);
      await observed();
      const from = new Date(world.now);
      await world.pass(30);
      expect(heard()).toEqual([]);
      for (let n = 0; n < 3; n += 1) await world.pass(10);
      expect(heard()).toEqual([`${OPS}: registered unknown`]);
      for (const name of ['shop', 'site']) await world.goes(name, 'unknown');
      await observed({ gap: { from, until: new Date(world.now) } });
      await world.restart();
      await world.pass(2);
      for (const name of ['shop', 'site']) await world.goes(name, 'running');
      for (let n = 0; n < 3; n += 1) await world.pass(5);
      expect(heard()).toEqual([`${OPS}: registered running`]);
    });

    it('are two when nobody was there to tell of the first', async () => {
      const from = new Date(world.now);
      world.now += 600_000;
      await observed({ gap: { from, until: new Date(world.now) } });
      await world.pass(2);
      await world.pass(2);
      expect(world.sent.map(({ to, at }) => [to, at])).toEqual([
        ['unknown', from],
        ['running', new Date(world.now - 4_000)],
      ]);
    });

    it('are none of what is a day old', async () => {
      const from = new Date(world.now - 1_000);
      await observed({ gap: { from, until: new Date(world.now) } });
      await world.pass(86_400);
      expect(heard()).toEqual([]);
    });
  });
});
