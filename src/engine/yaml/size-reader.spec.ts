import { parseSize } from './size-reader.js';

describe('parseSize', () => {
  it.each([
    ['0', 0],
    ['1048576', 1_048_576],
    ['512m', 512 * 1024 ** 2],
    ['2g', 2 * 1024 ** 3],
    ['1.5GiB', 1.5 * 1024 ** 3],
    ['64K', 65_536],
    ['3kb', 3 * 1024],
    ['10b', 10],
  ])('%s is %d bytes', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  it.each(['', 'm', '-1', '1e3', '2 g', '1.2345g', '2gg', '1,5g', '0x10'])('%j is none', (text) => {
    expect(parseSize(text)).toBeUndefined();
  });
});
