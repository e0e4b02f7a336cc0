import { readdirSync, readlinkSync, readFileSync } from 'node:fs';
import { tolerant } from '../../../common/child-process/process-stat.js';
import { parseSocketTable } from '../../../common/net/socket-table.js';
import type { Listening } from '../local-services.js';

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'] as const;

/** Sockets of this host that somebody listens at, by inode. */
export type Listeners = ReadonlyMap<number, Listening>;

export function readListeners(): Listeners {
  const tables = TABLES.map((path) => tolerant(() => readFileSync(path, 'latin1')) ?? '');
  return new Map(
    tables
      .flatMap(parseSocketTable)
      .filter(({ listens }) => listens)
      .map(({ inode, localAddress, localPort }) => [
        inode,
        { address: localAddress, port: localPort },
      ]),
  );
}

/** Where these processes listen, in order, each place once. */
export function portsOf(pids: readonly number[], listeners: Listeners): readonly Listening[] {
  const found = pids.flatMap(socketsOf).flatMap((inode) => listeners.get(inode) ?? []);
  const byPlace = new Map(found.map((each) => [`${each.address} ${each.port}`, each]));
  return [...byPlace.values()].sort(
    (one, other) => one.port - other.port || one.address.localeCompare(other.address),
  );
}

function socketsOf(pid: number): number[] {
  const folder = `/proc/${pid}/fd`;
  return (tolerant(() => readdirSync(folder)) ?? []).flatMap((name) => {
    const target = tolerant(() => readlinkSync(`${folder}/${name}`)) ?? '';
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    return inode === undefined ? [] : [Number(inode)];
  });
}
