import { readFile } from 'node:fs/promises';
import { freemem } from 'node:os';

/**
 * Bytes that a new program could have: `MemAvailable` (proc(5)) counts what can be reclaimed,
 * `freemem` does not.
 */
export async function availableMemory(): Promise<number> {
  try {
    const line = /^MemAvailable:\s+(\d+) kB$/m.exec(await readFile('/proc/meminfo', 'utf8'));
    return line ? Number(line[1]) * 1024 : freemem();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return freemem();
    throw error;
  }
}
