import { hostPort } from '../../common/net/host-port.js';
import { createServer } from 'node:net';
import { isMillrace } from '../api/server-health.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';

/** For a hint in an error. */
const HEALTH_MS = 2_000;

/**
 * The port that the API will listen on, tried now, before anything is started for it: 0 becomes a
 * free one, which it keeps through restarts.
 *
 * @throws CommandError when nothing can listen there, with what to do
 */
export async function claimPort(host: string, port: number): Promise<number> {
  const server = createServer();
  const bare = host.replace(/^\[|\]$/g, '');
  try {
    return await new Promise<number>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, bare, () => {
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Whoever has the port now may leave it: all else is wrong at any time.
    const exitCode = code === 'EADDRINUSE' ? exitCodes.failed : exitCodes.usage;
    throw new CommandError(await explain(error as NodeJS.ErrnoException, host, port), exitCode);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

async function explain(
  { code, message }: NodeJS.ErrnoException,
  host: string,
  port: number,
): Promise<string> {
  switch (code) {
    case 'EADDRINUSE': {
      const who = (await isMillrace(apiUrl(host, port), HEALTH_MS))
        ? 'a Millrace that runs already'
        : 'a program';
      return `Port ${port} of ${host} is in use by ${who}. Stop that, or choose another port by --port (or PORT); 0 takes any free one.`;
    }
    case 'EACCES':
      return `Port ${port} may not be opened by this user. Choose one above 1023: --port 8000 (or PORT).`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is no address of this machine. Choose another: --host 127.0.0.1 (or HOST).`;
    default:
      return `Nothing can listen on port ${port} of ${host}: ${message}.`;
  }
}

/** Where a program of this machine reaches the API. */
export function apiUrl(host: string, port: number): string {
  const bare = host.replace(/^\[|\]$/g, '');
  const name = bare === '0.0.0.0' || bare === '::' ? '127.0.0.1' : bare;
  return `http://${hostPort(name, port)}`;
}
