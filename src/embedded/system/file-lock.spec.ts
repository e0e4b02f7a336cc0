import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acquireFileLock } from './file-lock.js';

describe('acquireFileLock', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'millrace-lock-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it.each([true, false])(
    'closes the file to others, who could hold it (older file: %s)',
    async (older) => {
      const path = join(folder, 'lock');
      if (older) {
        writeFileSync(path, '');
        chmodSync(path, 0o644);
      }
      const lock = await acquireFileLock(path, { env: process.env, onWait: () => undefined });
      expect(statSync(path).mode & 0o777).toBe(0o600);
      await lock.release();
    },
  );
});
