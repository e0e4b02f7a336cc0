import { connect } from 'node:net';

/** Longest wait for one answer of a service, in milliseconds. */
const PROBE_TIMEOUT_MS = 2000;

/**
 * True when PostgreSQL at the socket folder takes connections (its start-up packet is answered by
 * AuthenticationOk).
 */
export async function isPostgresReady(socketFolder: string): Promise<boolean> {
  const parameters = Buffer.from('user\0postgres\0database\0postgres\0\0');
  const packet = Buffer.alloc(8);
  packet.writeInt32BE(8 + parameters.length, 0);
  packet.writeInt32BE(3 << 16, 4);
  const answer = await ask(`${socketFolder}/.s.PGSQL.5432`, Buffer.concat([packet, parameters]));
  return answer?.[0] === 'R'.charCodeAt(0);
}

/** True when Redis at the socket answers a PING; while it still loads its data it does not. */
export async function isRedisReady(socket: string): Promise<boolean> {
  const answer = await ask(socket, Buffer.from('PING\r\n'));
  return answer?.toString('latin1').startsWith('+PONG') === true;
}

/**
 * True when the server at the socket answers a read in MongoDB's protocol (so its own store answers
 * too).
 */
export async function isMongoReady(socket: string): Promise<boolean> {
  const answer = await ask(socket, mongoMessage('find', 'millrace_probe', 'admin'));
  return answer !== undefined && answer.includes(Buffer.from('cursor\0'));
}

/**
 * An OP_MSG with `{command: value, $db: database}` as its body (MongoDB wire protocol and BSON, by
 * hand).
 */
function mongoMessage(command: string, value: string, database: string): Buffer {
  const elements = [bsonString(command, value), bsonString('$db', database)];
  const document = Buffer.concat([Buffer.alloc(4), ...elements, Buffer.from([0])]);
  document.writeInt32LE(document.length, 0);
  const head = Buffer.alloc(21);
  head.writeInt32LE(head.length + document.length, 0);
  head.writeInt32LE(1, 4);
  head.writeInt32LE(2013, 12);
  return Buffer.concat([head, document]);
}

function bsonString(name: string, value: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32LE(Buffer.byteLength(value) + 1, 0);
  return Buffer.concat([
    Buffer.from([2]),
    Buffer.from(`${name}\0`),
    length,
    Buffer.from(`${value}\0`),
  ]);
}

/**
 * Sends a request to a unix socket and gives the first bytes of the answer; undefined when none
 * comes.
 */
function ask(socket: string, request: Buffer): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    const finish = (answer?: Buffer): void => {
      connection.destroy();
      resolve(answer);
    };
    connection.setTimeout(PROBE_TIMEOUT_MS, () => finish());
    connection.once('connect', () => connection.write(request));
    connection.once('data', finish);
    connection.once('error', () => finish());
    connection.once('close', () => finish());
  });
}
