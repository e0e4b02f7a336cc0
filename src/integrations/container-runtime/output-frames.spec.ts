import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { OutputFrames } from './output-frames.js';

function frame(channel: number, words: string): Buffer {
  const header = Buffer.alloc(8);
  header[0] = channel;
  header.writeUInt32BE(Buffer.byteLength(words), 4);
  return Buffer.concat([header, Buffer.from(words)]);
}

const SAID = Buffer.concat([frame(1, 'out 1\n'), frame(2, 'err\n'), frame(1, ''), frame(1, 'äö')]);

describe('OutputFrames', () => {
  it.each([1, 3, 7, 8, 9, 1000])('takes channels apart, however they come: by %d', async (size) => {
    const frames = new OutputFrames();
    const source = new PassThrough();
    const followed = frames.follow(source);
    const said = Promise.all([text(frames.stdout), text(frames.stderr)]);
    for (let at = 0; at < SAID.length; at += size) source.write(SAID.subarray(at, at + size));
    source.end();
    expect(await followed).toBe('ended');
    frames.end();
    expect(await said).toEqual(['out 1\näö', 'err\n']);
  });

  it('begins again with another connection, whatever the first one broke off in', async () => {
    const frames = new OutputFrames();
    const broken = new PassThrough();
    const first = frames.follow(broken);
    const said = text(frames.stdout);
    broken.write(frame(1, 'one\ntwo\n').subarray(0, 12));
    await new Promise((resolve) => setImmediate(resolve));
    broken.destroy();
    expect(await first).toBe('broken');
    const source = new PassThrough();
    const second = frames.follow(source);
    source.end(frame(1, 'three\n'));
    await second;
    frames.end();
    expect(await said).toBe('one\nthree\n');
  });

  it('reads no further while a stream is full that nobody reads', async () => {
    const frames = new OutputFrames();
    const source = new PassThrough({ highWaterMark: 1024 });
    void frames.follow(source);
    let written = 0;
    while (written < 100 && source.write(frame(2, 'x'.repeat(16 * 1024)))) {
      written += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    // It may take the whole first writes, but not the megabyte and a half.
    expect(written).toBeLessThan(20);
    frames.stderr.resume();
    await new Promise((resolve) => source.once('drain', resolve));
  });
});
