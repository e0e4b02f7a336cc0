import type { Workspace } from '../../../workspaces/workspace.js';
import { makeScriptFile, OutputFile } from './output-file.js';

/** The files of the server's that one try of a step gets. */
export class StepFiles {
  private constructor(
    readonly output: OutputFile,
    /** Undefined for a script that goes by the command line. */
    readonly script: { readonly path: string; remove(): void } | undefined,
  ) {}

  /** Throws an error of the file system (ENOSPC, EEXIST…); nothing is left then. */
  static make(workspace: Workspace, number: number, script: string | undefined): StepFiles {
    const output = OutputFile.make(workspace, number);
    try {
      return new StepFiles(
        output,
        script === undefined ? undefined : makeScriptFile(workspace, number, script),
      );
    } catch (error) {
      output.close();
      throw error;
    }
  }

  close(): void {
    this.script?.remove();
    this.output.close();
  }
}
