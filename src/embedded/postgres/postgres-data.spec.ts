import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clearSocket, judgePidFile } from './postgres-data.js';

describe('judgePidFile', () => {
  const data = '/home/x/postgres-18';
  const server = `ld-linux.so --argv0 /v/bin/postgres /v/elf/postgres -D ${data} -c config_file=/c`;

  it('does nothing without a file', () => {
    expect(judgePidFile(undefined, undefined, data)).toBe('none');
  });

  it('removes the file of a process that is gone or not yet collected', () => {
    expect(judgePidFile('7\n', undefined, data)).toBe('remove');
    expect(judgePidFile('', undefined, data)).toBe('remove');
  });

  it('removes the file when the pid is another program’s now', () => {
    expect(judgePidFile('7\n', 'sleep 5', data)).toBe('remove');
    const other = `postgres -D ${data}0`;
    expect(judgePidFile('7\n', other, data)).toBe('remove');
  });

  it('stops a server that still runs on this folder', () => {
    expect(judgePidFile('7\n', server, data)).toBe('stop');
    expect(judgePidFile('7\n', `postgres -D ${data}`, data)).toBe('stop');
  });
});

describe('clearSocket', () => {
  it('removes what a killed server left, whoever has its pid now, and nothing else', async () => {
    const sockets = await mkdtemp(join(tmpdir(), 'millrace-sockets-'));
    await writeFile(join(sockets, '.s.PGSQL.5432.lock'), `${process.pid}\n/data\n`);
    await writeFile(join(sockets, '.s.PGSQL.5432'), '');
    await writeFile(join(sockets, 'm.sock'), '');
    await clearSocket(sockets);
    await clearSocket(sockets);
    expect(await readdir(sockets)).toEqual(['m.sock']);
    await rm(sockets, { recursive: true });
  });
});
