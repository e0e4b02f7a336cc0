import { get } from 'node:http';

/** Something that tells again and again, until the other side ends it. */
export interface LongConnection {
  /** Why it is over; undefined: it is open. */
  readonly ended: string | undefined;
  /** How often it was told something. */
  readonly ticks: number;
  /** What it was told last. */
  readonly last: string;
  close(): void;
}

/** A body that comes bit by bit, as of server-sent events. */
export class Stream implements LongConnection {
  ended: string | undefined;
  ticks = 0;
  last = '';
  readonly close: () => void;

  constructor(url: string) {
    const asked = get(url, (answer) => {
      if (answer.statusCode !== 200) this.ended ??= `status ${answer.statusCode}`;
      answer.setEncoding('utf8');
      answer.on('data', (text: string) => {
        this.ticks += 1;
        this.last = text;
      });
      answer.once('close', () => (this.ended ??= 'closed'));
      answer.once('error', ({ message }) => (this.ended ??= message));
    });
    asked.once('error', ({ message }) => (this.ended ??= message));
    this.close = () => asked.destroy();
  }
}

/** A WebSocket. */
export class SocketStream implements LongConnection {
  ended: string | undefined;
  ticks = 0;
  last = '';
  readonly close: () => void;

  constructor(url: string) {
    const socket = new WebSocket(url);
    socket.addEventListener('message', ({ data }) => {
      this.ticks += 1;
      this.last = String(data);
    });
    socket.addEventListener('close', ({ code }) => (this.ended ??= `closed with ${code}`));
    socket.addEventListener('error', () => (this.ended ??= 'failed'));
    this.close = () => socket.close();
  }
}
