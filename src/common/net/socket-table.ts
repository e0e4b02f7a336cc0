import { SocketAddress } from 'node:net';
import { endianness } from 'node:os';

/** A TCP socket as `/proc/net/tcp` and `/proc/net/tcp6` show it. */
export interface SocketEntry {
  /** IPv4 with dots; IPv6 in its short form, such as `::1`. */
  readonly localAddress: string;
  readonly localPort: number;
  readonly listens: boolean;
  readonly user: number;
  /** 0: of no process any more. */
  readonly inode: number;
}

const LISTEN = '0A';

/** See proc_net_tcp of the kernel's documentation; lines that are none are left out. */
export function parseSocketTable(text: string): SocketEntry[] {
  return text.split('\n').flatMap((line) => {
    const [slot, local, , state, , , , user, , inode] = line.trim().split(/\s+/);
    const [, address, port] = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(local ?? '') ?? [];
    if (!/^\d+:$/.test(slot ?? '') || address === undefined || port === undefined) return [];
    return [
      {
        localAddress: readAddress(address),
        localPort: parseInt(port, 16),
        listens: state === LISTEN,
        user: Number(user),
        inode: Number(inode),
      },
    ];
  });
}

/** The kernel shows each 32 bits of an address in the order of bytes that the machine has. */
function readAddress(shown: string): string {
  const words = (shown.match(/.{8}/g) ?? []).map((word) => Buffer.from(word, 'hex'));
  const bytes = Buffer.concat(endianness() === 'LE' ? words.map((word) => word.reverse()) : words);
  if (bytes.length === 4) return bytes.join('.');
  const groups = (bytes.toString('hex').match(/.{4}/g) ?? []).join(':');
  return new SocketAddress({ address: groups, family: 'ipv6' }).address;
}
