import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CacheTool } from '../../../engine/plan/caches-plan.js';
import type { WorkspaceOwnership } from '../../../workspaces/workspace-ownership.js';
import type { WorkspaceStore } from '../../../workspaces/workspace-store.js';
import type { Workspace } from '../../../workspaces/workspace.js';

/** The folders of one run in which tools keep what they fetch, outside the workspace. */
export class ToolFolders {
  /** Tools whose folders steps in containers may have written: with files of any user. */
  private readonly written = new Set<CacheTool>();

  constructor(
    private readonly workspaces: WorkspaceStore,
    private readonly workspace: Workspace,
    private readonly ownership: WorkspaceOwnership,
  ) {}

  pathOf(tool: CacheTool): string {
    return join(this.workspace.root, `cache-${tool}`);
  }

  isThere(tool: CacheTool): boolean {
    return existsSync(this.pathOf(tool));
  }

  isEmpty(tool: CacheTool): boolean {
    return readdirSync(this.pathOf(tool)).length === 0;
  }

  /**
   * Makes the folder for the next step, or lets that change what others have left there, whatever
   * users they were.
   *
   * @param isImage the step is a user of its image
   * @throws HandOverError
   */
  async prepare(tool: CacheTool, isImage: boolean): Promise<void> {
    const folder = this.pathOf(tool);
    await this.workspaces.makeShared(folder);
    // Steps in a shell are all one user.
    const mayBeOfOther = isImage || this.written.has(tool);
    if (mayBeOfOther && !this.isEmpty(tool)) await this.workspaces.shareAgain(folder);
    if (isImage) this.written.add(tool);
  }

  /** This process can read it then. @throws HandOverError */
  async readable(tool: CacheTool): Promise<void> {
    if (this.written.has(tool)) await this.ownership.readable(this.pathOf(tool));
  }
}
