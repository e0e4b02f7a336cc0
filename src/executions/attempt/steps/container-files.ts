import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Mount } from '../../../integrations/container-runtime/container-runtime.js';
import type { Workspace } from '../../../workspaces/workspace.js';
import { OutputFile } from './output-file.js';

/** Where containers see what is ours; not in the workspace, so that no glob or build finds it. */
const FOLDER = '/millrace';
export const CONTAINER_WORKSPACE = '/workspace';
export const CONTAINER_OUTPUT = `${FOLDER}/output`;
export const CONTAINER_SCRIPT = `${FOLDER}/script`;
/** What the first words of ours in the container say by one letter. */
export const CONTAINER_TOLD = `${FOLDER}/told`;

/**
 * The files of the server's that one try in a container gets. Each is mounted by itself, so that
 * the container can change what is in it, and nothing of where it lies. The folder on the worker
 * is closed to all others.
 */
export class ContainerFiles {
  private constructor(
    private readonly folder: string,
    readonly output: OutputFile,
    private readonly told: number,
    private readonly script: string | undefined,
  ) {}

  /** Throws an error of the file system; nothing is left then. */
  static make({ root }: Workspace, number: number, script: string | undefined): ContainerFiles {
    const folder = join(root, `container-${number}`);
    mkdirSync(folder, { mode: 0o700 });
    try {
      const output = OutputFile.open(join(folder, 'output'));
      const path = join(folder, 'told');
      const told = openSync(path, 'wx+');
      // Whatever user its image says, and whatever our umask is.
      for (const file of [path, output.path]) chmodSync(file, 0o666);
      const scriptPath = script === undefined ? undefined : join(folder, 'script');
      if (script !== undefined && scriptPath !== undefined) {
        writeFileSync(scriptPath, script, { flag: 'wx', mode: 0o600 });
        chmodSync(scriptPath, 0o444);
      }
      return new ContainerFiles(folder, output, told, scriptPath);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  get mounts(): readonly Mount[] {
    return [
      { source: this.output.path, target: CONTAINER_OUTPUT },
      { source: join(this.folder, 'told'), target: CONTAINER_TOLD },
      ...(this.script === undefined
        ? []
        : [{ source: this.script, target: CONTAINER_SCRIPT, readOnly: true }]),
    ];
  }

  /** The letter that was told last; `''` = none. Untrusted: the step can write it, too. */
  readTold(): string {
    const buffer = Buffer.alloc(1);
    return buffer.toString('latin1', 0, readSync(this.told, buffer, 0, 1, 0));
  }

  close(): void {
    closeSync(this.told);
    this.output.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
