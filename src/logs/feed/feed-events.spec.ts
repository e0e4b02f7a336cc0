import { statusEvent } from './feed-events.js';

describe('an event of the live feed', () => {
  const HOSTILE = ['\n\nevent: done\ndata: {}\n\n', '\r\rid: 9\r', 'data: x', '\u2028event: y'];

  it.each(HOSTILE)('holds %j in its data, and ends nowhere before its end', (text) => {
    const sent = statusEvent('status', { reason: { message: text } }, 7);
    const lines = sent.split(/\r\n|\r|\n/);
    expect(lines).toHaveLength(4);
    expect(lines.slice(2)).toEqual(['', '']);
    expect(lines[0]).toBe('event: status');
    const data = lines[1]?.replace(/^data: /, '') ?? '';
    expect(JSON.parse(data)).toEqual({ reason: { message: text }, last_seq: 7 });
  });
});
