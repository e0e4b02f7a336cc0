import { connect } from 'node:net';

export interface Sent {
  /** Everything that came back. */
  readonly answer: string;
  /** Code of the error that the connection ended with. */
  readonly error: string | undefined;
}

/**
 * Writes everything and reads only then, as `http.client` of Python does: what comes back early
 * waits in the system, and is lost when the connection is reset meanwhile.
 */
export async function writesFirst(
  port: number,
  head: string,
  pieces: readonly Buffer[],
): Promise<Sent> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  let error: string | undefined;
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', (failure: NodeJS.ErrnoException) => (error = failure.code));
  socket.write(head);
  for (const each of pieces) {
    const written = new Promise<void>((resolve) => socket.write(each, () => resolve()));
    await Promise.race([written, closed]);
  }
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.once('end', () => socket.end());
  await closed;
  return { answer: Buffer.concat(chunks).toString(), error };
}
