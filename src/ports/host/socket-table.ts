/** A TCP socket as `/proc/net/tcp` and `/proc/net/tcp6` show it. */
export interface SocketEntry {
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
    const port = /^[0-9A-F]+:([0-9A-F]{4})$/.exec(local ?? '')?.[1];
    if (!/^\d+:$/.test(slot ?? '') || port === undefined) return [];
    return [
      {
        localPort: parseInt(port, 16),
        listens: state === LISTEN,
        user: Number(user),
        inode: Number(inode),
      },
    ];
  });
}
