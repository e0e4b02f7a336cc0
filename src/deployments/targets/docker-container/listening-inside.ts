import { readFileSync } from 'node:fs';

/** State of a socket that listens, in the tables of the kernel. */
const LISTENS = '0A';

/**
 * At which addresses the programs of a container listen instead of its port, for people; undefined:
 * at that port, or it cannot be told.
 *
 * @param pid its first process, on this machine
 */
export function whoListens(pid: number | undefined, port: number): string | undefined {
  if (pid === undefined) return undefined;
  const found = ['tcp', 'tcp6'].flatMap((table) => listeners(`/proc/${pid}/net/${table}`));
  if (found.length === 0) return 'no program listens in the container';
  const same = found.find((one) => one.port === port);
  if (same === undefined) {
    const ports = [...new Set(found.map((one) => one.port))].join(', ');
    return `in the container its programs listen at port ${ports}, not at ${port}`;
  }
  if (!same.isLoopback) return undefined;
  return `it listens at 127.0.0.1:${port} inside the container: let it listen at 0.0.0.0`;
}

interface Listener {
  readonly port: number;
  readonly isLoopback: boolean;
}

/** Lines of `/proc/net/tcp`; see proc_pid_net(5). */
export function parseListeners(table: string): readonly Listener[] {
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/);
    const [address, port] = local.split(':');
    if (state !== LISTENS || address === undefined || port === undefined) return [];
    const isLoopback = /^(?:[0-9A-F]{6}7F|0{24}01000000|0{16}FFFF0000[0-9A-F]{6}7F)$/.test(address);
    return [{ port: Number.parseInt(port, 16), isLoopback }];
  });
}

function listeners(path: string): readonly Listener[] {
  let table: string;
  try {
    table = readFileSync(path, 'utf8');
  } catch {
    // It has ended, or its process may not be looked at: nothing is told.
    return [];
  }
  return parseListeners(table).filter(({ port }) => port !== 0);
}
