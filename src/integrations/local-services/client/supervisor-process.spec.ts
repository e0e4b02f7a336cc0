import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SupervisorProcess, type SupervisorProcessOptions } from './supervisor-process.js';

describe('a supervisor that is apart', () => {
  let home: string;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'ma-'));
  });
  afterEach(() => rm(home, { recursive: true }));

  const apart = (more: Partial<SupervisorProcessOptions> = {}): SupervisorProcess =>
    new SupervisorProcess({
      ...{ home, env: process.env, progress: () => undefined, isApart: true },
      command: ['/bin/sh', '-c', `touch ${join(home, 'started')}`],
      ...more,
    });

  it('is waited for', async () => {
    const waiting = apart().ensure();
    const socket = join(home, 'services/control.sock');
    await mkdir(join(home, 'services'));
    const server = createServer((client) => client.destroy());
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    expect(await waiting).toBe(socket);
    await new Promise((resolve) => server.close(resolve));
  });

  it('is never started from here, and what to do is said', async () => {
    await expect(apart({ apartMs: 1 }).ensure()).rejects.toThrow(
      /does not run in .*SERVICES_APART/,
    );
    expect(existsSync(join(home, 'started'))).toBe(false);
  });

  it('is waited for no longer than its caller lives', async () => {
    await expect(apart({ signal: AbortSignal.abort() }).ensure()).rejects.toThrow('aborted');
  });
});
