import { once } from 'node:events';
import { connect } from 'node:net';

/**
 * A client of PostgreSQL that has no more than these tests need: protocol 3.0, a password in clear
 * text, simple queries with rows of texts.
 */
export class Client {
  #socket;
  #messages;

  static async connect({ host, port = 5432, user = 'postgres', password }) {
    const client = new Client();
    client.#socket = connect({ host, port });
    await once(client.#socket, 'connect');
    client.#messages = messages(client.#socket);
    client.#send('', int32(196_608), text('user'), text(user), text(''));
    for (;;) {
      const { type, body } = await client.#next();
      if (type === 'E') throw new Error(errorText(body));
      if (type === 'Z') return client;
      if (type === 'R' && body.readInt32BE() === 3) client.#send('p', text(password));
    }
  }

  /** The rows, each a list of texts. */
  async query(sql) {
    this.#send('Q', text(sql));
    const rows = [];
    let problem;
    for (;;) {
      const { type, body } = await this.#next();
      if (type === 'E') problem = errorText(body);
      if (type === 'D') rows.push(columns(body));
      if (type !== 'Z') continue;
      if (problem !== undefined) throw new Error(problem);
      return rows;
    }
  }

  close() {
    this.#socket.destroy();
  }

  #send(type, ...parts) {
    const body = Buffer.concat(parts);
    this.#socket.write(Buffer.concat([Buffer.from(type), int32(body.length + 4), body]));
  }

  async #next() {
    const { value, done } = await this.#messages.next();
    if (done) throw new Error('the database has closed the connection');
    return value;
  }
}

async function* messages(socket) {
  let rest = Buffer.alloc(0);
  for await (const chunk of socket) {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 5 && rest.length > rest.readInt32BE(1)) {
      const end = rest.readInt32BE(1) + 1;
      yield { type: String.fromCharCode(rest[0]), body: rest.subarray(5, end) };
      rest = rest.subarray(end);
    }
  }
}

function columns(body) {
  const values = [];
  for (let at = 2; at < body.length;) {
    const size = body.readInt32BE(at);
    at += 4;
    values.push(size === -1 ? null : body.toString('utf8', at, at + size));
    at += Math.max(size, 0);
  }
  return values;
}

function errorText(body) {
  const fields = body.toString('utf8').split('\0');
  return fields.find((field) => field.startsWith('M'))?.slice(1) ?? 'unknown error';
}

function int32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function text(value) {
  return Buffer.from(`${value}\0`);
}
