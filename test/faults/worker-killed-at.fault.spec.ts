import { PointRig, workerPoints } from './support/point-rig.js';

jest.setTimeout(240_000);

describe('kill -9 of a worker at', () => {
  const strikes = workerPoints.map((point) => ({ point }));
  let rig: PointRig;

  beforeAll(async () => {
    rig = await PointRig.start('SIGKILL', strikes);
  });

  afterAll(async () => {
    await rig.stop();
  });

  it.each(strikes)('$point', async (strike) => {
    const { point } = strike;
    // Before the claim and after the end the worker holds nothing that it could lose.
    const isHeld = point !== 'job_taken' && point !== 'execution_settled';
    await rig.success(strike, isHeld ? 2 : 1);
  });
});
