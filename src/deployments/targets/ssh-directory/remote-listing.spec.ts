import { ListingError, readListing } from './remote-listing.js';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const read = (files: string, others = '') => readListing(Buffer.from(files), Buffer.from(others));

describe('readListing', () => {
  it('reads batches, and names as sha256sum escapes them', () => {
    const files = `2\n644 3\n755 4\n${A}  ./a b\n\\${B}  ./two\\nlines\\\\n\n1\n600 5\n${A}  ./\u00e4\n`;
    const tree = read(files, 'link\0./l\0a b\0');
    expect(tree).toMatchObject({ bytes: 12 });
    expect([...(tree?.contents ?? [])]).toEqual([
      ['a b', A],
      ['two\nlines\\n', B],
      ['ä', A],
    ]);
  });

  it('is the same in whichever order a host walks, and another for each change', () => {
    const one = read(`1\n644 1\n${A}  ./a\n1\n644 1\n${B}  ./b\n`, 'link\0./l\0a\0')?.digest;
    expect(read(`2\n644 1\n644 1\n${B}  ./b\n${A}  ./a\n`, 'link\0./l\0a\0')?.digest).toBe(one);
    for (const [files, others] of [
      [`2\n644 1\n644 1\n${B}  ./b\n${B}  ./a\n`, 'link\0./l\0a\0'],
      [`2\n644 1\n600 1\n${B}  ./b\n${A}  ./a\n`, 'link\0./l\0a\0'],
      [`2\n644 1\n644 1\n${B}  ./b\n${A}  ./c\n`, 'link\0./l\0a\0'],
      [`2\n644 1\n644 1\n${B}  ./b\n${A}  ./a\n`, 'link\0./l\0b\0'],
      [`2\n644 1\n644 1\n${B}  ./b\n${A}  ./a\n`, 'special\0./l\0\0'],
      [`2\n644 1\n644 1\n${B}  ./b\n${A}  ./a\n`, ''],
    ] as const) {
      expect(read(files, others)?.digest).not.toBe(one);
    }
  });

  it('says what is not there, and what is empty', () => {
    expect(read('gone\n')).toBeUndefined();
    expect(read('')).toMatchObject({ bytes: 0 });
  });

  it.each([
    ['x\n', ''],
    ['1\n644 1\n', ''],
    [`1\n644 1\n${A}  ./a`, ''],
    [`2\n644 1\n${A}  ./a\n`, ''],
    [`1\n644 1\n${A}  /etc/passwd\n`, ''],
    ['', 'link\0./l\0'],
    ['', 'link\0./l\0a'],
  ])('takes no other form: %j, %j', (files, others) => {
    expect(() => read(files, others)).toThrow(ListingError);
  });
});
