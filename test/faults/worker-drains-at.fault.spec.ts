import { PointRig, workerPoints } from './support/point-rig.js';

jest.setTimeout(240_000);

const NAME = 'SIGTERM of a worker at';

describe(NAME, () => {
  const rig = new PointRig();

  afterAll(async () => {
    await rig.stop();
  });

  it.concurrent.each(workerPoints)('%s: it ends what it has, then itself', async (point) => {
    const fault = `${NAME} ${point}: it ends what it has, then itself`;
    const ended = await rig.strike({ fault, point, blow: 'SIGTERM' });
    expect(ended).toMatchObject({ status: 'success', attempt: 1 });
  });

  it.concurrent.each(['step_started', 'hook_started'] as const)(
    '%s, which would last for minutes: it gives it back at no cost of a retry',
    async (point) => {
      const fault = `${NAME} ${point}, which would last for minutes: it gives it back at no cost of a retry`;
      const ended = await rig.strike({ fault, point, blow: 'SIGTERM', lasting: true });
      expect(ended).toMatchObject({ status: 'success', attempt: 2 });
      expect(ended.placements[0]).toMatchObject({ reason: { code: 'worker_stopped' } });
    },
  );
});
