import { chmod, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makePassable } from './passable-folder.js';

/** Can come down to any temporary folder of the tests. */
const me = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
/** Nobody that a test runs as. */
const stranger = { uid: 61_234, gid: 61_234 };

describe('makePassable', () => {
  let top: string;

  beforeEach(async () => {
    top = await mkdtemp(join(tmpdir(), 'millrace-passable-'));
    await chmod(top, 0o755);
  });

  afterEach(async () => {
    await rm(top, { recursive: true, force: true });
  });

  const mode = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

  it('opens the folder and the one above it for passing through, not for looking into', async () => {
    const home = join(top, 'home');
    await mkdir(home, { mode: 0o700 });
    await makePassable(join(home, 'workspaces'), me);
    expect(await mode(home)).toBe(0o711);
    expect(await mode(join(home, 'workspaces'))).toBe(0o711);
  });

  it('does not depend on the umask', async () => {
    const before = process.umask(0o077);
    try {
      await makePassable(join(top, 'home/workspaces'), me);
    } finally {
      process.umask(before);
    }
    expect(await mode(join(top, 'home/workspaces'))).toBe(0o711);
  });

  it('names the folder further up that is closed', async () => {
    const closed = join(top, 'closed');
    await mkdir(join(closed, 'home'), { recursive: true });
    await chmod(closed, 0o700);
    const making = makePassable(join(closed, 'home/workspaces'), stranger);
    await expect(making).rejects.toMatchObject({
      code: 'workspace_unreachable',
      message: expect.stringContaining(`cannot enter ${closed}:`),
    });
  });
});
