import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import { TarOffsets } from './tar-offsets.js';

const LONG = `${'folder/'.repeat(30)}ä.txt`;
const CONTENTS = new Map([
  ['a', 'one'],
  [LONG, 'x'.repeat(512)],
  ['empty', ''],
  ['last', 'y'.repeat(513)],
]);

async function archive(): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name: 'folder', type: 'directory' });
  for (const [name, content] of CONTENTS) tar.entry({ name }, content);
  tar.entry({ name: 'link', type: 'symlink', linkname: 'a' });
  tar.finalize();
  return buffer(tar);
}

describe('TarOffsets', () => {
  it.each([1, 100, 512, 700, 1_000_000])('finds each file, by pieces of %d bytes', async (size) => {
    const bytes = await archive();
    const offsets = new TarOffsets();
    for (let at = 0; at < bytes.length; at += size) offsets.take(bytes.subarray(at, at + size));
    const found = [...CONTENTS.values()].map((content, index) => {
      const offset = offsets.files[index] ?? -1;
      return bytes.toString('latin1', offset, offset + content.length);
    });
    expect(found).toEqual([...CONTENTS.values()]);
    expect(offsets.files).toHaveLength(CONTENTS.size);
  });

  it('skips contents of 8 GiB and more', () => {
    const header = Buffer.alloc(512);
    header.write('large');
    header[156] = '0'.charCodeAt(0);
    header[124] = 0x80;
    header.writeBigUInt64BE(2n ** 33n, 128);
    const offsets = new TarOffsets();
    offsets.take(header);
    offsets.take(Buffer.alloc(1_000_000, 'z'));
    expect(offsets.files).toEqual([512]);
  });
});
