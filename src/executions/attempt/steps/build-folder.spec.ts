import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BuildFolder, loginFile } from './build-folder.js';

describe('BuildFolder', () => {
  let root: string;
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'mr-build-folder-'))));
  afterEach(() => rmSync(root, { recursive: true }));

  it('is closed to everybody else, with all that is in it, and leaves nothing', async () => {
    const folder = BuildFolder.make({ root }, 3);
    folder.putSecret('TOKEN', 'x\ny');
    folder.putLogins(new Map());
    const { path } = folder;
    expect(path).toBe(join(root, 'build-3'));
    expect(statSync(path).mode & 0o777).toBe(0o700);
    const secret = join(path, 'secrets/TOKEN');
    for (const file of [secret, join(path, 'config/config.json')]) {
      expect(statSync(file).mode & 0o777).toBe(0o600);
    }
    expect(readFileSync(secret, 'utf8')).toBe('x\ny');
    expect(() => folder.putSecret('TOKEN', '')).toThrow('EEXIST');
    await folder.remove();
    expect(existsSync(path)).toBe(false);
  });

  it('writes log-ins as docker reads them', () => {
    const login = { username: 'me', password: 'pass:word' };
    const auth = 'bWU6cGFzczp3b3Jk';
    const logins = new Map([
      ['docker.io', login],
      ['r.example:5000', login],
    ]);
    expect(JSON.parse(loginFile(logins))).toEqual({
      auths: { 'https://index.docker.io/v1/': { auth }, 'r.example:5000': { auth } },
    });
    expect(loginFile(new Map([['__proto__', login]]))).toContain('"__proto__"');
  });
});
