import { ownProgram } from './own-program.js';

const LIB = '/usr/lib/x86_64-linux-gnu';
const line = (rights: string, path: string): string =>
  `7f0000000000-7f0000001000 ${rights} 00028000 08:01 1234                     ${path}`;

describe('ownProgram', () => {
  it('mounts the program and the folders of its libraries, and begins with its loader', () => {
    const maps = [
      line('r-xp', '/opt/node/bin/node'),
      line('r--p', '/usr/share/locale.so.1'),
      line('r--p', `${LIB}/libc.so.6`),
      line('r-xp', `${LIB}/libc.so.6`),
      line('r-xp', '/opt/node/lib/libnode.so.137'),
      line('r-xp', `${LIB}/ld-linux-x86-64.so.2`),
      line('r-xp', '/app/node_modules/koffi/koffi.node'),
      line('r-xp', '/gone/lib.so.1 (deleted)'),
      line('rw-p', '[heap]'),
      '',
    ].join('\n');
    const folders = ['/opt/node/lib', LIB];
    expect(ownProgram(maps, '/opt/node/bin/node')).toEqual({
      mounts: [
        { source: '/opt/node/bin/node', target: '/program/node', readOnly: true },
        ...folders.map((path) => ({ source: path, target: path, readOnly: true })),
      ],
      command: [
        ...[`${LIB}/ld-linux-x86-64.so.2`, '--library-path', folders.join(':')],
        '/program/node',
      ],
    });
  });

  it('knows the loader by its older names', () => {
    const maps = line('r-xp', '/lib/x86_64-linux-gnu/ld-2.31.so');
    expect(ownProgram(maps, '/usr/bin/node').command[0]).toBe('/lib/x86_64-linux-gnu/ld-2.31.so');
  });

  it('starts a program without libraries by itself', () => {
    expect(ownProgram(line('r-xp', '/usr/bin/node'), '/usr/bin/node')).toEqual({
      mounts: [{ source: '/usr/bin/node', target: '/program/node', readOnly: true }],
      command: ['/program/node'],
    });
  });
});
