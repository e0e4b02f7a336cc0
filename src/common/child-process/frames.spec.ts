import fc from 'fast-check';
import { frame, FrameReader } from './frames.js';

describe('FrameReader', () => {
  it('gives back what was framed, however it is cut', () => {
    const messages = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 10 });
    fc.assert(
      fc.property(messages, fc.integer({ min: 1, max: 30 }), (sent, step) => {
        const bytes = Buffer.concat(sent.map((each) => frame(Buffer.from(each))));
        const reader = new FrameReader(100);
        const got: Buffer[] = [];
        for (let at = 0; at < bytes.length; at += step) {
          got.push(...reader.push(bytes.subarray(at, at + step)));
        }
        expect(got.map((each) => [...each])).toEqual(sent.map((each) => [...each]));
      }),
    );
  });

  it('refuses a message by its length alone', () => {
    expect(() => new FrameReader(10).push(Buffer.from([0, 0, 0, 11]))).toThrow(RangeError);
  });
});
