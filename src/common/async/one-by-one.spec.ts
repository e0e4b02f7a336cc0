import { OneByOne } from './one-by-one.js';

const NEVER = new AbortController().signal;

describe('OneByOne', () => {
  let works: OneByOne;
  let done: string[];

  beforeEach(() => {
    works = new OneByOne();
    done = [];
  });

  /** A work that ends when it is told to. */
  function begin(key: string, name: string, signal = NEVER) {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const end = works.run(
      key,
      () => {
        done.push(name);
        return promise;
      },
      signal,
    );
    return { end, resolve: () => resolve(name), reject };
  }
  const settled = () => new Promise(setImmediate);

  it('begins one of a key when the one before has ended, and others at once', async () => {
    const [first, second] = [begin('a', 'first'), begin('a', 'second')];
    const other = begin('b', 'other');
    await settled();
    expect(done).toEqual(['first', 'other']);
    first.reject(new Error('no'));
    await expect(first.end).rejects.toThrow('no');
    await settled();
    expect(done).toEqual(['first', 'other', 'second']);
    second.resolve();
    other.resolve();
    expect(await Promise.all([second.end, other.end])).toEqual(['second', 'other']);
    begin('a', 'later');
    await settled();
    expect(done).toContain('later');
  });

  it('ends the wait of one that is told to stop, and lets nobody pass for it', async () => {
    const abort = new AbortController();
    const first = begin('a', 'first');
    const { end } = begin('a', 'stopped', abort.signal);
    begin('a', 'last');
    abort.abort(new Error('stop'));
    await expect(end).rejects.toThrow('stop');
    await settled();
    expect(done).toEqual(['first']);
    first.resolve();
    await settled();
    expect(done).toEqual(['first', 'last']);
  });
});
