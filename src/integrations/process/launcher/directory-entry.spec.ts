import { PassThrough } from 'node:stream';
import { readEntryReport } from './directory-entry.js';

describe('the report of the shell that enters a directory', () => {
  it('is over soon after the process, whoever keeps the descriptor', async () => {
    const kept = new PassThrough();
    expect(await readEntryReport(kept, '/d', 'sh', Promise.resolve())).toBeUndefined();
  });

  it('is read when the process ends at the moment in which it comes', async () => {
    const report = new PassThrough();
    const told = readEntryReport(report, '/d', 'sh', Promise.resolve());
    report.end('ENOENT\n');
    expect(await told).toMatchObject({ kind: 'not_started', code: 'ENOENT' });
  });

  it('is no longer than a code, whoever writes it', async () => {
    const flood = new PassThrough();
    const told = readEntryReport(flood, '/d', 'sh', new Promise(() => undefined));
    flood.write('x'.repeat(10_000));
    await told;
    expect(flood.destroyed).toBe(true);
  });
});
