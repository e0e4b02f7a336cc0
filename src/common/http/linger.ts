import type { Duplex } from 'node:stream';

/** What is read and thrown away of a request that was refused, so that its sender hears why. */
export interface LingerLimits {
  readonly bytes: number;
  /** From the answer on. */
  readonly totalMs: number;
  /** Without a byte. */
  readonly idleMs: number;
  /** Connections at once; what is more is closed as soon as the answer is out. */
  readonly connections: number;
}

export const defaultLingerLimits: LingerLimits = {
  bytes: 32 * 1024 * 1024,
  totalMs: 10_000,
  idleMs: 2_000,
  connections: 256,
};

const lingering = new Set<Duplex>();

/**
 * Ends a connection behind its last answer although the other side still sends. A connection that
 * is closed with bytes unread is reset, and the answer is lost to everybody who writes the whole
 * request before he reads. So our side alone is ended, and what still comes is dropped for a
 * bounded while.
 * @param close ends it as soon as the answer is out
 */
export function lingerThenClose(
  socket: Duplex,
  limits: LingerLimits = defaultLingerLimits,
  close: () => void = () => socket.end(() => socket.destroy()),
): void {
  if (lingering.has(socket)) return;
  if (lingering.size >= limits.connections || socket.destroyed || socket.readableEnded) {
    close();
    return;
  }
  lingering.add(socket);
  socket.end();
  // The parser hears no more: these bytes belong to what was refused, and must never be taken for a
  // further request.
  socket.removeAllListeners('data');
  const cut = (): void => void socket.destroy();
  const total = setTimeout(cut, limits.totalMs);
  const idle = setTimeout(cut, limits.idleMs);
  let dropped = 0;
  socket.on('data', (chunk: Buffer) => {
    idle.refresh();
    dropped += chunk.length;
    if (dropped > limits.bytes) cut();
  });
  socket.once('end', cut);
  socket.once('close', () => {
    clearTimeout(total);
    clearTimeout(idle);
    lingering.delete(socket);
  });
  socket.resume();
  // The parser may have stopped the reading for a body that nobody took; the stream does not know,
  // so `resume` changes nothing.
  socket._read(0);
}
