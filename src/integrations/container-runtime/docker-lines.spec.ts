import { PassThrough } from 'node:stream';
import { EngineAwayError } from './container-runtime.js';
import { eventsOf } from './docker-lines.js';

async function all(stream: PassThrough): Promise<object[]> {
  const events: object[] = [];
  for await (const event of eventsOf(stream)) events.push(event);
  return events;
}

describe('eventsOf', () => {
  it.each([1, 2, 3, 1000])('reads lines however they come: by %d bytes', async (size) => {
    const stream = new PassThrough();
    const bytes = Buffer.from('{"status":"größer €"}\r\n\n{"status":"last"}');
    for (let at = 0; at < bytes.length; at += size) stream.write(bytes.subarray(at, at + size));
    stream.end();
    expect(await all(stream)).toEqual([{ status: 'größer €' }, { status: 'last' }]);
  });

  it.each(['<html>', '7', 'null', '{"status":'])(
    'takes %s for no answer of an engine',
    async (line) => {
      const stream = new PassThrough();
      stream.end(`${line}\n`);
      const read = all(stream);
      await expect(read).rejects.toThrow(EngineAwayError);
      await expect(read).rejects.toThrow(line);
    },
  );

  it('fails when the connection breaks off between two lines', async () => {
    const stream = new PassThrough();
    const read = all(stream);
    stream.write('{"status":"one"}\n');
    stream.destroy();
    await expect(read).rejects.toThrow(EngineAwayError);
  });
});
