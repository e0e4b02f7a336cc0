import { readdir, readFile, readlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { cutText } from '../../common/values/cut-text.js';
import type { PortSpan } from '../../config/value-parsers.js';
import { HostPorts, type PortHolder } from './host-ports.js';
import { parsePortList, parsePortRange, without } from './port-spans.js';
import { parseSocketTable, type SocketEntry } from '../../common/net/socket-table.js';

/**
 * One after another: a program that listens on one address leaves others of its port free, and
 * those that are bound here would be in each other's way.
 */
const ADDRESSES = ['0.0.0.0', '127.0.0.1', '::', '::1'] as const;
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'] as const;
const EPHEMERAL = '/proc/sys/net/ipv4/ip_local_port_range';
const RESERVED = '/proc/sys/net/ipv4/ip_local_reserved_ports';
/** The host has no such address: nobody can listen there. */
const NO_SUCH_ADDRESS = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT']);
/** What ends while it is looked at, or is closed to this user. */
const NOT_TO_BE_SEEN = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'ENOTDIR']);
const MAX_NAME = 64;

type Bound = 'free' | 'in_use' | 'forbidden';

/** The ports of a Linux host: by binding them, and by what `/proc` says of sockets. */
export class LinuxHostPorts extends HostPorts {
  readonly host = hostname();
  /** Two that look at one port at once would find each other there. */
  private readonly looking = new Map<number, Promise<boolean>>();

  isFree(port: number): Promise<boolean> {
    const underWay = this.looking.get(port);
    if (underWay !== undefined) return underWay;
    const look = this.look(port).finally(() => this.looking.delete(port));
    this.looking.set(port, look);
    return look;
  }

  async holderOf(port: number): Promise<PortHolder | undefined> {
    const sockets = await socketsAt(port);
    const socket = sockets.find(({ listens }) => listens) ?? sockets[0];
    if (socket === undefined) return undefined;
    return { user: socket.user, ...(await processWith(socket.inode)) };
  }

  async ephemeral(): Promise<readonly PortSpan[]> {
    const range = parsePortRange(await textOf(EPHEMERAL));
    return range === undefined ? [] : without(range, parsePortList(await textOf(RESERVED)));
  }

  private async look(port: number): Promise<boolean> {
    for (const address of ADDRESSES) {
      const bound = await bind(port, address);
      if (bound === 'in_use') return false;
      // This user may not bind it; another one of the host may.
      if (bound === 'forbidden') return (await socketsAt(port)).every(({ listens }) => !listens);
    }
    return true;
  }
}

/** Listens there for a moment. Rejects when the system cannot do that at all. */
function bind(port: number, host: string): Promise<Bound> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      const code = error.code ?? '';
      if (code === 'EADDRINUSE') resolve('in_use');
      else if (code === 'EACCES') resolve('forbidden');
      else if (NO_SUCH_ADDRESS.has(code)) resolve('free');
      else reject(error);
    });
    const options = { port, host, exclusive: true, ipv6Only: host === '::' };
    server.listen(options, () => server.close(() => resolve('free')));
  });
}

async function socketsAt(port: number): Promise<SocketEntry[]> {
  const tables = await Promise.all(TABLES.map((table) => textOf(table)));
  return tables.flatMap(parseSocketTable).filter((each) => each.localPort === port && each.inode);
}

async function processWith(inode: number): Promise<Pick<PortHolder, 'pid' | 'program'>> {
  const socket = `socket:[${inode}]`;
  for (const pid of await namesIn('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    for (const fd of await namesIn(`/proc/${pid}/fd`)) {
      const target = await tolerant(readlink(`/proc/${pid}/fd/${fd}`), '');
      if (target === socket) return { pid: Number(pid), ...(await programOf(pid)) };
    }
  }
  return {};
}

/** A process chooses its name itself, and any bytes for it. */
async function programOf(pid: string): Promise<Pick<PortHolder, 'program'>> {
  const name = (await textOf(`/proc/${pid}/comm`)).replace(/\n$/, '');
  const program = cutText(name.replace(/[^\x20-\x7e]/g, '?'), MAX_NAME);
  return program.trim() === '' ? {} : { program };
}

const namesIn = (folder: string): Promise<string[]> => tolerant(readdir(folder), []);
const textOf = (path: string): Promise<string> => tolerant(readFile(path, 'latin1'), '');

async function tolerant<T>(read: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await read;
  } catch (error) {
    if (NOT_TO_BE_SEEN.has((error as NodeJS.ErrnoException).code ?? '')) return otherwise;
    throw error;
  }
}
