import { PointRig, workerPoints } from './support/point-rig.js';

jest.setTimeout(240_000);

const NAME = 'SIGSTOP of a worker past its lease, then SIGCONT, at';

describe(NAME, () => {
  const rig = new PointRig();

  afterAll(async () => {
    await rig.stop();
  });

  it.concurrent.each(workerPoints)('%s', async (point) => {
    const ended = await rig.strike({ fault: `${NAME} ${point}`, point, blow: 'SIGSTOP' });
    const isHeld = point !== 'job_taken' && point !== 'execution_settled';
    expect(ended).toMatchObject({ status: 'success', attempt: isHeld ? 2 : 1 });
  });
});
