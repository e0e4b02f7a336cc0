import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BareCommand, BareEnd } from '../shell-spawner.js';
import type { Repetition, Subject, Workload } from '../subject.js';

/** The bare command, by a shell: what nobody can be faster than. */
export class ShellSubject implements Subject {
  readonly name = 'sh';

  private spawner: ChildProcess | undefined;

  constructor(private readonly folder: string) {}

  async prepare({ bare }: Workload): Promise<Repetition> {
    const spawner = (this.spawner ??= fork(
      fileURLToPath(new URL('../shell-spawner.js', import.meta.url)),
    ));
    // It ends with the bench.
    spawner.unref();
    spawner.channel?.unref();
    return async () => {
      const folder = await mkdtemp(join(this.folder, 'sh-'));
      const command: BareCommand = { text: bare, folder };
      spawner.channel?.ref();
      spawner.send(command);
      const [{ ms, code }] = (await once(spawner, 'message')) as [BareEnd];
      spawner.channel?.unref();
      await rm(folder, { recursive: true });
      if (code !== 0) throw new Error(`sh -c '${bare}' ended with ${String(code)}`);
      return ms;
    };
  }
}
