import { parseSocketTable } from './socket-table.js';

describe('the table of sockets', () => {
  it('tells ports, users and inodes of both families', () => {
    const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1F91 0100007F:C350 06 00000000:00000000 03:00000F00 00000000     0        0 0 3 0000000000000000
  10: 00000000000000000000000001000000:1F92 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0
`;
    expect(parseSocketTable(table)).toEqual([
      { localAddress: '127.0.0.1', localPort: 8080, listens: true, user: 1000, inode: 4711 },
      { localAddress: '127.0.0.1', localPort: 8081, listens: false, user: 0, inode: 0 },
      { localAddress: '::1', localPort: 8082, listens: true, user: 0, inode: 4712 },
    ]);
  });
});
