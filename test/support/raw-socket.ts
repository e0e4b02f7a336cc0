import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface RawAnswer {
  /** Everything that came back until the server closed or the time was up. */
  readonly text: string;
  /** Milliseconds from the opening of the connection to its end. */
  readonly ms: number;
  readonly closed: boolean;
}

/**
 * Sends bytes as they are, one piece after the other, and gives what came back until the other side
 * closed.
 */
export async function rawRequest(
  baseUrl: string,
  pieces: readonly (string | Buffer)[],
  options: { readonly everyMs?: number; readonly timeoutMs?: number } = {},
): Promise<RawAnswer> {
  const { port, hostname } = new URL(baseUrl);
  const started = performance.now();
  const socket: Socket = connect(Number(port), hostname);
  const chunks: Buffer[] = [];
  let closed = false;
  const end = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, options.timeoutMs ?? 10_000);
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      closed = true;
      clearTimeout(timer);
      resolve();
    });
  });
  const send = async (): Promise<void> => {
    for (const piece of pieces) {
      if (closed) return;
      socket.write(piece);
      if (options.everyMs !== undefined) await sleep(options.everyMs);
    }
  };
  await Promise.all([send(), end]);
  socket.destroy();
  return { text: Buffer.concat(chunks).toString('utf8'), ms: performance.now() - started, closed };
}
