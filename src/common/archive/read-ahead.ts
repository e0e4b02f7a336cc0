import type { WalkedFile } from '../globs/walk-globs.js';
import type { LeftOutReason } from '../tree/left-out.js';
import { type FileSnapshot, takeSnapshot } from './file-snapshot.js';

type Read =
  { readonly taken: FileSnapshot | LeftOutReason | 'large' } | { readonly error: unknown };

/**
 * Reads the small files after one while that is packed: most of the time that a small file takes is
 * waiting. At most as many are in memory as the walk tells names of.
 */
export class ReadAhead {
  /** By name, in the folder of the file that was asked for last. */
  private readonly reads = new Map<string, Promise<Read>>();

  /** @throws an error of the disk */
  async take(file: WalkedFile): Promise<FileSnapshot | LeftOutReason | 'large'> {
    for (const name of [file.name, ...file.next]) {
      if (!this.reads.has(name)) this.reads.set(name, this.read(file, name));
    }
    const read = await this.reads.get(file.name);
    this.reads.delete(file.name);
    if (read === undefined) throw new Error('A file was not asked for.');
    if ('error' in read) throw read.error;
    return read.taken;
  }

  /** Waits for what is being read. To be called before the walk closes the folder. */
  async stop(): Promise<void> {
    await Promise.all(this.reads.values());
    this.reads.clear();
  }

  /** Never rejects: an error is told to whoever takes the file, and nobody may. */
  private read({ parent }: WalkedFile, name: string): Promise<Read> {
    return takeSnapshot(parent, name).then(
      (taken) => ({ taken }),
      (error: unknown) => ({ error }),
    );
  }
}
