import { Module } from '@nestjs/common';
import { MillraceConfig } from '../config/millrace-config.js';
import { entryFile, makeHome, workspacesFolder } from '../config/paths.js';
import { ProcessGroups } from '../integrations/process/process-groups.js';
import { ProcessRunner } from '../integrations/process/process-runner.js';
import { StepAccount } from '../integrations/process/step-account.js';
import { StepUserScripts } from './step-user-scripts.js';
import { ChrootTreeOwners } from './tree-owners.js';
import { WorkspaceStore } from './workspace-store.js';

/** The folders of execution attempts on this machine. Needs `ProcessModule`. */
@Module({
  providers: [
    {
      provide: WorkspaceStore,
      inject: [MillraceConfig, ProcessRunner, ProcessGroups, StepAccount],
      useFactory: async (
        { home }: MillraceConfig,
        processes: ProcessRunner,
        groups: ProcessGroups,
        account: StepAccount,
      ): Promise<WorkspaceStore> => {
        await makeHome(home);
        const scripts = new StepUserScripts(processes, groups.scriptsPrefix);
        const owners = account.user && new ChrootTreeOwners(entryFile('hand-over'));
        return new WorkspaceStore(workspacesFolder(home), account.user, scripts, owners);
      },
    },
  ],
  exports: [WorkspaceStore],
})
export class WorkspacesModule {}
