import { EventStreamParser } from './event-stream.js';
import { ShapeError } from './answer-shape.js';

const STREAM =
  ': beat\n\nevent: log\nid: 7\ndata: {"a":\ndata: 1}\n\nretry: 5\r\nevent:done\r\ndata:x\r\n\r\nid: 9\n\ndata\n\n';
const EVENTS = [
  { event: 'log', id: '7', data: '{"a":\n1}' },
  { event: 'done', id: undefined, data: 'x' },
  { event: undefined, id: undefined, data: '' },
];

it('reads the same events wherever the stream is cut', () => {
  for (let cut = 0; cut <= STREAM.length; cut++) {
    const parser = new EventStreamParser();
    const events = [...parser.push(STREAM.slice(0, cut)), ...parser.push(STREAM.slice(cut))];
    expect(events).toEqual(EVENTS);
  }
  const parser = new EventStreamParser();
  expect([...STREAM].flatMap((character) => parser.push(character))).toEqual(EVENTS);
});

it.each(['data: x\n', ': x\n\n', 'id: 1\n\n', 'x'])(
  'refuses a stream of %j without an event',
  (more) => {
    const parser = new EventStreamParser();
    const piece = more.repeat(1024 * 1024);
    const pushAll = (): void => {
      for (let time = 0; time <= 8; time++) parser.push(piece);
    };
    expect(pushAll).toThrow(ShapeError);
  },
);

it('reads a stream of any length whose events end', () => {
  const parser = new EventStreamParser();
  const piece = `${'data: x\n'.repeat(256 * 1024)}\n`;
  for (let time = 0; time < 9; time++) expect(parser.push(piece)).toHaveLength(1);
});
