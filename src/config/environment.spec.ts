import { spawn } from 'node:child_process';
import { buffer } from 'node:stream/consumers';
import type { Readable, Writable } from 'node:stream';
import { transpileEntry, type TranspiledEntry } from '../../test/support/transpile-entry.js';
import { encodeEnvironment } from './environment.js';

let entry: TranspiledEntry;
beforeAll(() => {
  entry = transpileEntry('src/config/environment.ts');
});
afterAll(() => entry.remove());

/**
 * What a process reads that gets `bytes` over descriptor 3; second, what of it can be seen from
 * outside.
 */
async function readIn(bytes: Buffer, descriptor = '3'): Promise<string> {
  const code = `
    import { readFileSync, fstatSync } from 'node:fs';
    const { readEnvironment } = await import(${JSON.stringify(entry.path)});
    const { A, B } = readEnvironment();
    const again = readEnvironment();
    let open = true;
    try { fstatSync(3); } catch { open = false; }
    const seen = readFileSync('/proc/self/environ', 'utf8');
    console.log(JSON.stringify({ A, B, same: again.A === A, open, seen: seen.includes('secret') }));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    env: { MILLRACE_ENV_FD: descriptor, A: 'from the environment', B: 'kept' },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  (child.stdio[3] as Writable).on('error', () => undefined).end(bytes);
  const [out, err] = await Promise.all([
    buffer(child.stdout as Readable),
    buffer(child.stderr as Readable),
  ]);
  return out.toString() || err.toString();
}

describe('readEnvironment', () => {
  it('takes secrets over a descriptor, once, and closes it', async () => {
    const answer = await readIn(encodeEnvironment({ A: 'secret\nof two lines', C: undefined }));
    expect(JSON.parse(answer)).toEqual({
      A: 'secret\nof two lines',
      B: 'kept',
      same: true,
      open: false,
      seen: false,
    });
  });

  it('names the variable when its value is no descriptor', async () => {
    expect(await readIn(Buffer.alloc(0), 'x')).toContain('MILLRACE_ENV_FD must be the number');
  });
});
