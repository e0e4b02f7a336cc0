import { whenBothEnd } from './when-both-end.js';

describe('whenBothEnd', () => {
  it('gives both results', async () => {
    await expect(whenBothEnd(Promise.resolve(1), Promise.resolve('two'))).resolves.toEqual([
      1,
      'two',
    ]);
  });

  it('waits for the other one where one fails', async () => {
    let end: () => void = () => undefined;
    const other = new Promise<void>((resolve) => (end = resolve));
    let isSettled = false;
    const both = whenBothEnd(Promise.reject(new Error('one')), other);
    both.catch(() => (isSettled = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(isSettled).toBe(false);
    end();
    await expect(both).rejects.toThrow('one');
  });

  it('names the failure of the first of two', async () => {
    const failures = [new Error('one'), new Error('two')].map((error) => Promise.reject(error));
    await expect(whenBothEnd(failures[0] as never, failures[1] as never)).rejects.toThrow('one');
  });
});
