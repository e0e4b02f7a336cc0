import { partsOf } from './parts.js';

async function cut(chunks: readonly string[], size: number): Promise<string[]> {
  async function* source() {
    for (const chunk of chunks) yield Buffer.from(chunk);
  }
  const parts: string[] = [];
  for await (const { bytes, number, isLast } of partsOf(source(), size)) {
    expect(number).toBe(parts.length + 1);
    parts.push(`${bytes.toString()}${isLast ? '.' : ''}`);
  }
  return parts;
}

describe('parts of a stream', () => {
  it.each([
    ['nothing', [], ['.']],
    ['empty chunks', ['', ''], ['.']],
    ['less than a part', ['a'], ['a.']],
    ['exactly one part', ['ab', 'c'], ['abc.']],
    ['one byte more', ['abcd'], ['abc', 'd.']],
    ['exactly three parts', ['ab', 'cdefghi'], ['abc', 'def', 'ghi.']],
    ['a chunk of many parts', ['abcdefghijk'], ['abc', 'def', 'ghi', 'jk.']],
    ['many chunks for a part', ['a', '', 'b', 'c', 'd'], ['abc', 'd.']],
  ])('of %s', async (_what, chunks, parts) => expect(await cut(chunks, 3)).toEqual(parts));

  it('leave the one before as it is while the next is filled', async () => {
    async function* source() {
      yield Buffer.from('abcdefg');
    }
    const parts = partsOf(source(), 3);
    const first = (await parts.next()).value;
    const second = (await parts.next()).value;
    expect([first?.bytes.toString(), second?.bytes.toString()]).toEqual(['abc', 'def']);
    const third = (await parts.next()).value;
    expect(third?.bytes.toString()).toBe('g');
    expect(third?.bytes.buffer).toBe(first?.bytes.buffer);
  });
});
