import { PointRig, type Strike, workerPoints } from './support/point-rig.js';

jest.setTimeout(240_000);

describe('SIGTERM of a worker at', () => {
  const short = workerPoints.map((point): Strike => ({ point }));
  const long: readonly Strike[] = [
    { point: 'step_started', lasting: true },
    { point: 'hook_started', lasting: true },
  ];
  let rig: PointRig;

  beforeAll(async () => {
    rig = await PointRig.start('SIGTERM', [...short, ...long]);
  });

  afterAll(async () => {
    await rig.stop();
  });

  it.each(short)('$point: it ends what it has, then itself', async (strike) => {
    await rig.success(strike, 1);
  });

  it.each(long)(
    '$point, which would last for minutes: it gives it back at no cost of a retry',
    async (strike) => {
      const ended = await rig.success(strike, 2);
      expect(ended.placements[0]).toMatchObject({ reason: { code: 'worker_stopped' } });
    },
  );
});
