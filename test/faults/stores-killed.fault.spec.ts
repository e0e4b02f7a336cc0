import { FaultRig } from './support/fault-rig.js';

jest.setTimeout(180_000);

describe('stores are killed or emptied mid-run', () => {
  let rig: FaultRig;

  beforeAll(async () => {
    rig = await FaultRig.start();
  });

  afterAll(async () => {
    await rig.stop();
  });

  beforeEach(async () => {
    await rig.beginCase();
  });

  it('Redis, again and again for 3 s: what is triggered meanwhile waits, and nothing is lost', async () => {
    await rig.beginLong();
    await rig.beforeBlow();
    await rig.triggerDuring(rig.stores.keepDown('redis', 3_000));
    await rig.release();
    expect(rig.refused).toEqual([]);
    expect(rig.delayed).not.toEqual([]);
    await rig.expectNothingLost();
  });

  it('Redis emptied, with executions that run and executions that wait', async () => {
    await rig.beginLong();
    await rig.beginLong();
    await rig.beginLong();
    const waiting = await rig.triggerShort();
    await rig.beforeBlow();
    await rig.stores.redis((redis) => redis.flushall());
    await rig.triggerShort();
    await rig.stores.redis((redis) => redis.flushall());
    await rig.release();
    expect(rig.accepted).toContain(waiting.kind === 'accepted' ? waiting.id : '');
    await rig.expectNothingLost();
  });

  it.each(['ferretdb', 'postgres'] as const)(
    'the database (%s), again and again for 3 s: refused by 503 meanwhile, and nothing is lost',
    async (service) => {
      if (!rig.stores.databaseServices.includes(service)) return;
      await rig.beginLong();
      await rig.beforeBlow();
      await rig.triggerDuring(rig.stores.keepDown(service, 3_000));
      await rig.release();
      await rig.expectNothingLost();
    },
  );

  it('everything at once', async () => {
    await rig.beginLong();
    const services = ['redis', ...rig.stores.databaseServices] as const;
    await rig.beforeBlow();
    await rig.triggerDuring(
      Promise.all(services.map((service) => rig.stores.keepDown(service, 3_000))),
    );
    await rig.release();
    await rig.expectNothingLost();
  });

  it('Millrace itself, all of its processes together: a new attempt continues', async () => {
    await rig.beginLong();
    await rig.triggerShort();
    await rig.beforeBlow();
    await rig.withoutApi(() => rig.restartMillrace());
    await rig.triggerShort();
    await rig.release();
    await rig.expectNothingLost(['worker_lost', 'claim_unheard']);
  });
});
