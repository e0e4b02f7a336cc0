import { WorkerDuties } from './worker-duties.js';

const turns = async (): Promise<void> => {
  for (let count = 0; count < 10; count += 1) await Promise.resolve();
};

describe('the duties of a worker', () => {
  it('have their turns beside one that fails and one that never ends', async () => {
    const done: string[] = [];
    const problems: string[] = [];
    const duties = new WorkerDuties((name, error) =>
      problems.push(`${name}: ${(error as Error).message}`),
    );
    duties.add('fails', () => Promise.reject(new Error('no')));
    duties.add('throws', () => {
      throw new Error('at once');
    });
    duties.add('hangs', () => {
      done.push('hangs');
      return new Promise(() => undefined);
    });
    duties.add('works', () => {
      done.push('works');
      return Promise.resolve();
    });
    for (let round = 0; round < 3; round += 1) {
      duties.begin();
      await turns();
    }
    expect(done).toEqual(['hangs', 'works', 'works', 'works']);
    expect(problems.filter((problem) => problem === 'fails: no')).toHaveLength(3);
    expect(problems.filter((problem) => problem === 'throws: at once')).toHaveLength(3);
  });
});
