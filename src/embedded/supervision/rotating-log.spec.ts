import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RotatingLog } from './rotating-log.js';

describe('RotatingLog', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'log-spec-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('keeps at most two files of the given size, the newest lines last', () => {
    const log = new RotatingLog(join(folder, 'a.log'), 100);
    for (let line = 0; line < 100; line += 1) log.write(Buffer.from(`line ${String(line)}\n`));
    log.close();
    expect(readdirSync(folder).sort()).toEqual(['a.log', 'a.log.1']);
    for (const name of readdirSync(folder)) {
      expect(statSync(join(folder, name)).size).toBeLessThanOrEqual(100);
    }
    expect(readFileSync(join(folder, 'a.log'), 'utf8')).toMatch(/line 99\n$/);
    expect(log.tail()).toMatch(/line 98\nline 99$/);
  });

  it('continues with the file that is there', () => {
    const path = join(folder, 'a.log');
    for (const text of ['one\n', 'two\n']) {
      const log = new RotatingLog(path, 100);
      log.write(Buffer.from(text));
      log.close();
    }
    expect(readFileSync(path, 'utf8')).toBe('one\ntwo\n');
  });

  it('counts what it cannot write instead of throwing', () => {
    const log = new RotatingLog('/dev/full', 100);
    log.write(Buffer.from('lost'));
    expect(log.droppedBytes).toBe(4);
    log.close();
  });
});
