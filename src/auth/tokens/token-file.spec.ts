import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadOrCreateToken, readToken, tokenFile } from './token-file.js';

describe('token file', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'millrace-token-'));
  });
  afterEach(() => rmSync(home, { recursive: true }));

  it('is made once, with mode 0600, and nothing is left beside it', () => {
    const folder = join(home, 'not', 'there', 'yet');
    const first = loadOrCreateToken(folder);
    expect(first.created).toBe(true);
    expect(first.token).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(loadOrCreateToken(folder)).toEqual({ token: first.token, created: false });
    expect(statSync(tokenFile(folder)).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['token']);
    expect(readFileSync(tokenFile(folder), 'utf8')).toBe(`${first.token}\n`);
  });

  it('is closed to others when it was open', () => {
    const { token } = loadOrCreateToken(home);
    chmodSync(tokenFile(home), 0o644);
    expect(readToken(tokenFile(home))).toBe(token);
    expect(statSync(tokenFile(home)).mode & 0o777).toBe(0o600);
  });

  it('says what to do when it holds no token', () => {
    writeFileSync(tokenFile(home), 'x\n');
    expect(() => loadOrCreateToken(home)).toThrow('delete it and start again');
  });

  it('is absent for a reader that makes none', () => {
    expect(readToken(tokenFile(home))).toBeUndefined();
  });
});
