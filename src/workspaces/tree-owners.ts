import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, lchownSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { messageOf } from '../common/values/error-message.js';
import { errorLine } from '../common/child-process/error-line.js';
import { entryFile } from '../config/paths.js';
import type { FolderGiver } from '../integrations/container-runtime/folder-giver.js';
import type { HandOverRequest } from './hand-over.js';

/** Gives trees of files to users. */
export interface TreeOwners {
  /** @throws HandOverError */
  give(request: HandOverRequest): Promise<void>;
  /**
   * Closes a folder of the server's to all but root, until its tree is given to somebody. Nothing
   * where this process is not root.
   */
  close(folder: string): void;
}

export class HandOverError extends Error {
  constructor(message: string) {
    super(`the workspace cannot be given to the user of the step: ${message}`);
    this.name = 'HandOverError';
  }
}

/** By a process of root that can see nothing but the tree. */
export class ChrootTreeOwners implements TreeOwners {
  /** @param program built entry `hand-over` */
  constructor(private readonly program: string) {}

  async give(request: HandOverRequest): Promise<void> {
    const child = spawn(process.execPath, [this.program, JSON.stringify(request)], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {},
      cwd: '/',
    });
    const [said, [code]] = await Promise.all([
      text(child.stderr),
      once(child, 'exit') as Promise<[number | null]>,
    ]);
    if (code !== 0) throw new HandOverError(errorLine(said) || `exit code ${code}`);
  }

  close(folder: string): void {
    chmodSync(folder, 0o700);
    lchownSync(folder, 0, 0);
  }
}

/** By the container engine, for a process that is not root. */
export class ContainerTreeOwners implements TreeOwners {
  constructor(private readonly giver: FolderGiver) {}

  async give(request: HandOverRequest): Promise<void> {
    try {
      await this.giver.give(request);
    } catch (error) {
      throw new HandOverError(messageOf(error));
    }
  }

  close(): void {
    // The steps of this worker are its own user.
  }
}

/**
 * Who gives files away, to be asked each time: a container engine may come later. Undefined: steps
 * in containers, which have other users, do not run here.
 */
export type OwnersNow = () => TreeOwners | undefined;

export function treeOwners(isRoot: boolean, giver: FolderGiver): OwnersNow {
  const owners = isRoot
    ? new ChrootTreeOwners(entryFile('hand-over'))
    : new ContainerTreeOwners(giver);
  return () => (isRoot || giver.isThere ? owners : undefined);
}
