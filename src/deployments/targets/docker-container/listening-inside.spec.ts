import { parseListeners, whoListens } from './listening-inside.js';

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue';

it('reads the tables of the kernel', () => {
  const table = [
    HEAD,
    '   0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000',
    '   1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000',
    '   2: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000',
    '',
  ];
  expect(parseListeners(table.join('\n'))).toEqual([
    { port: 3000, isLoopback: true },
    { port: 8080, isLoopback: false },
  ]);
});

it('knows both forms of the loopback address of IPv6', () => {
  const table = [
    HEAD,
    '   0: 00000000000000000000000001000000:0BB8 00000000:0000 0A 0',
    '   1: 0000000000000000FFFF00000100007F:0BB9 00000000:0000 0A 0',
    '   2: 00000000000000000000000000000000:0BBA 00000000:0000 0A 0',
  ];
  expect(parseListeners(table.join('\n')).map(({ isLoopback }) => isLoopback)).toEqual([
    ...[true, true, false],
  ]);
});

it('says nothing of a process that is not there', () => {
  expect(whoListens(undefined, 80)).toBeUndefined();
  expect(whoListens(2 ** 22 + 1, 80)).toBe('no program listens in the container');
});
