import { EventStreamParser } from './event-stream.js';

const STREAM =
  ': beat\n\nevent: log\nid: 7\ndata: {"a":\ndata: 1}\n\nretry: 5\r\nevent:done\r\ndata:x\r\n\r\nid: 9\n\ndata\n\n';
const EVENTS = [
  { event: 'log', id: '7', data: '{"a":\n1}' },
  { event: 'done', id: '7', data: 'x' },
  { event: 'message', id: '9', data: '' },
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
