import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureStepUser, resolveStepUser } from './step-user.js';

const asRoot = process.getuid?.() === 0 ? it : it.skip;

describe('the user of steps', () => {
  let folder: string;
  let passwd: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'step-user-'));
    passwd = join(folder, 'passwd');
    const lines = [
      'root:x:0:0:root:/root:/bin/bash',
      '+::::::',
      'ci-two:x:1002:1003::/:/bin/sh',
      'ci:x:1001:1005::/:/bin/sh',
      '',
    ];
    await writeFile(passwd, lines.join('\n'));
  });

  afterAll(() => rm(folder, { recursive: true }));

  it('is found by its whole name', async () => {
    expect(await resolveStepUser('ci', passwd)).toEqual({ name: 'ci', uid: 1001, gid: 1005 });
  });

  it.each(['c', 'ci:x', '+', '', 'nobody-here'])('is not found by %p', async (name) => {
    await expect(resolveStepUser(name, passwd)).rejects.toMatchObject({
      code: 'step_user_not_found',
    });
  });

  asRoot('is made for root, once, also by two at a time', async () => {
    const [first, second] = await Promise.all([ensureStepUser(), ensureStepUser()]);
    expect(first).toMatchObject({ name: 'millrace-step', uid: expect.any(Number) });
    expect(second).toEqual(first);
    expect(await ensureStepUser('nobody')).toEqual(await resolveStepUser('nobody'));
  });
});
