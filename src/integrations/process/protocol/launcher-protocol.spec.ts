import { encodeFrame, FrameReader, type LauncherRequest } from './launcher-protocol.js';

describe('frames of the launcher', () => {
  const frames: LauncherRequest[] = [
    { op: 'beat' },
    { op: 'sweep', request: 1, group: 'line\nfeed, ünïcode \u2028' },
    { op: 'kill', request: 2, process: 3, graceMs: 8000 },
  ];

  it('arrive whole at every cut of the stream', () => {
    const bytes = Buffer.from(frames.map(encodeFrame).join(''));
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const reader = new FrameReader<LauncherRequest>();
      const read = [...reader.read(bytes.subarray(0, cut)), ...reader.read(bytes.subarray(cut))];
      expect(read).toEqual(frames);
    }
  });

  it('arrive whole byte by byte', () => {
    const reader = new FrameReader<LauncherRequest>();
    const bytes = Buffer.from(frames.map(encodeFrame).join(''));
    expect([...bytes].flatMap((byte) => reader.read(Buffer.of(byte)))).toEqual(frames);
  });
});
