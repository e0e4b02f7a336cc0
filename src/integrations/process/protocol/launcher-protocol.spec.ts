import { FrameReader } from '../../../common/child-process/frames.js';
import { decodeFrames, encodeFrame, type LauncherRequest } from './launcher-protocol.js';

it('requests arrive as they were sent, wherever the stream is cut', () => {
  const requests: LauncherRequest[] = [
    { op: 'beat' },
    { op: 'sweep', request: 1, group: 'line\nfeed, ünïcode \u2028' },
    { op: 'kill', request: 2, process: 3, graceMs: 8000 },
  ];
  const bytes = Buffer.concat(requests.map(encodeFrame));
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const reader = new FrameReader(1_000);
    const parts = [bytes.subarray(0, cut), bytes.subarray(cut)];
    expect(parts.flatMap((part) => decodeFrames(reader, part))).toEqual(requests);
  }
});
