import { Module, type OnApplicationShutdown } from '@nestjs/common';
import { MillraceConfig } from '../config/millrace-config.js';
import { makeHome, workspacesFolder } from '../config/paths.js';
import { FolderGiver } from '../integrations/container-runtime/folder-giver.js';
import { ProcessGroups } from '../integrations/process/process-groups.js';
import { ProcessRunner } from '../integrations/process/process-runner.js';
import { StepAccount } from '../integrations/process/step-account.js';
import { StepUserScripts } from './step-user-scripts.js';
import { treeOwners } from './tree-owners.js';
import { WorkspaceStore } from './workspace-store.js';

/** The folders of execution attempts on this machine. Needs `ProcessModule` and
 * `ContainerRuntimeModule`. */
@Module({
  providers: [
    {
      provide: WorkspaceStore,
      inject: [MillraceConfig, ProcessRunner, ProcessGroups, StepAccount, FolderGiver],
      useFactory: async (
        { home }: MillraceConfig,
        processes: ProcessRunner,
        groups: ProcessGroups,
        account: StepAccount,
        giver: FolderGiver,
      ): Promise<WorkspaceStore> => {
        await makeHome(home);
        const scripts = new StepUserScripts(processes, groups.scriptsPrefix);
        const owners = treeOwners(account.user !== undefined, giver);
        return new WorkspaceStore(workspacesFolder(home), account.user, scripts, owners);
      },
    },
  ],
  exports: [WorkspaceStore],
})
export class WorkspacesModule implements OnApplicationShutdown {
  constructor(private readonly workspaces: WorkspaceStore) {}

  onApplicationShutdown(): void {
    this.workspaces.close();
  }
}
