import { FaultRig } from './support/fault-rig.js';

jest.setTimeout(180_000);

describe('a store is killed mid-run', () => {
  let rig: FaultRig;

  beforeEach(async () => {
    rig = await FaultRig.start();
  });

  afterEach(async () => {
    await rig.stop();
  });

  it('Redis, again and again for 3 s: what is triggered meanwhile waits, and nothing is lost', async () => {
    await rig.beginLong();
    await rig.triggerDuring(rig.stores.keepDown('redis', 3_000));
    await rig.release();
    expect(rig.refused).toEqual([]);
    expect(rig.delayed).not.toEqual([]);
    await rig.expectNothingLost();
  });
});
