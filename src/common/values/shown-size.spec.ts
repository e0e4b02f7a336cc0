import { shownSize } from './shown-size.js';

describe('shownSize', () => {
  it.each([
    [0, '0 B'],
    [1, '1 B'],
    [1_023, '1023 B'],
    [1_024, '1 KiB'],
    [1_536, '1.5 KiB'],
    [48_000, '46.9 KiB'],
    [1024 ** 2 - 1, '1 MiB'],
    [6 * 1024 ** 2, '6 MiB'],
    [1.25 * 1024 ** 3, '1.3 GiB'],
    [1024 ** 4, '1 TiB'],
    [3 * 1024 ** 6, '3072 PiB'],
  ])('%d is %s', (bytes, text) => expect(shownSize(bytes)).toBe(text));
});
