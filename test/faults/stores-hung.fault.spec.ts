import type { ServiceName } from '../../src/embedded/supervision/embedded-service.js';
import { FaultRig } from './support/fault-rig.js';

jest.setTimeout(180_000);

const HANG_MS = 60_000;

const HANGING = 'a store hangs for 60 s mid-run';

describe(HANGING, () => {
  const rigs: FaultRig[] = [];
  let starting: Promise<unknown> = Promise.resolve();

  afterAll(async () => {
    await Promise.all(rigs.map((rig) => rig.stop()));
  });

  /**
   * Hangs it under a run that prints and under further triggers, and looks that nothing was lost.
   */
  async function hang(service: ServiceName): Promise<FaultRig> {
    const rig = await startAfterOthers(`${HANGING} ${service}`);
    rigs.push(rig);
    await rig.beginCase();
    await rig.beginLong();
    await rig.beforeBlow();
    await rig.triggerDuring(rig.stores.hang(service, HANG_MS));
    await rig.release();
    await rig.expectNothingLost();
    return rig;
  }

  /** One after the other, so that none is slow for the others' sake. */
  function startAfterOthers(fault: string): Promise<FaultRig> {
    const rig = starting.then(() => FaultRig.start({ fault }));
    starting = rig.catch(() => undefined);
    return rig;
  }

  // One minute each, side by side.
  it.concurrent(
    'Redis: triggers are accepted, with the reason that the queue is away',
    async () => {
      const rig = await hang('redis');
      expect(rig.refused).toEqual([]);
      expect(rig.delayed.length).toBeGreaterThan(5);
    },
  );

  it.concurrent.each(['ferretdb', 'postgres'] as const)(
    'the database (%s): triggers are refused by 503, and what ran ends well',
    async (service) => {
      const rig = await hang(service);
      expect(rig.refused).not.toEqual([]);
    },
  );
});
