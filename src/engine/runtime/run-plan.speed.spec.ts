import { performance } from 'node:perf_hooks';
import type { Plan } from '../plan/plan.js';
import { inOrder, parallel, sequential, start, step } from './run-plan.fixture.js';

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `s${index}`);

/** Milliseconds of the best of five runs: the machine's other work is not what is measured. */
async function engineTime(of: Plan): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const begin = performance.now();
    const { state } = await start(of, { ports: { onState: () => undefined } }).result;
    times.push(performance.now() - begin);
    expect(state.status).toBe('success');
  }
  return Math.min(...times);
}

/** Goal: under 200 ms of the engine's own time for 1,000 steps that do nothing; measured 50 to 140; the limit leaves room for a loaded machine. */
describe('1,000 steps', () => {
  it.each([
    [
      'one after another',
      inOrder([
        sequential(
          'a',
          names(1000).map((name) => step(name)),
        ),
      ]),
    ],
    [
      'side by side',
      inOrder([
        parallel(
          'a',
          names(1000).map((name) => step(name)),
        ),
      ]),
    ],
    [
      'in 100 stages',
      inOrder(
        names(100).map((stage) =>
          parallel(
            stage,
            names(10).map((name) => step(name)),
          ),
        ),
      ),
    ],
    [
      'each needing up to 50 above it',
      inOrder([
        parallel(
          'a',
          names(1000).map((name, index) => step(name, { needs: names(index).slice(-50) })),
        ),
      ]),
    ],
  ])('%s', async (_title, of) => {
    expect(await engineTime(of)).toBeLessThan(500);
  });
});
