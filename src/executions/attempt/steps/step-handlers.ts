import type { Metrics } from '../../../common/metrics/metrics.js';
import type { MaskSet } from '../../../common/redaction/mask-set.js';
import type { StepHandler } from '../../../engine/runtime/step-handler.js';
import type { StepKindName } from '../../../engine/steps/step-kinds.js';
import type { GitClient } from '../../../integrations/git/git-client.js';
import type { ProcessRunner } from '../../../integrations/process/process-runner.js';
import type { Workspace } from '../../../workspaces/workspace.js';
import type { WorkspaceStore } from '../../../workspaces/workspace-store.js';
import type { CloneAccess } from './clone-access.js';
import { GitStepHandler } from './git-step.handler.js';
import { MeasuredStepHandler } from './measured-step.handler.js';
import { ShellStepHandler } from './shell-step.handler.js';
import type { StepHost } from './step-environment.js';
import type { StepOutput } from './step-output.js';

/** Where the steps of one run work. */
export interface StepPlace {
  readonly workspace: Workspace;
  /** Name of the run's group (docs/glossary.md), by which all that it leaves behind is found. */
  readonly group: string;
  readonly output: StepOutput;
  /** What must show nowhere; a handler that learns of a secret adds it before it uses it. */
  readonly masks: MaskSet;
  readonly host: StepHost;
  readonly access: CloneAccess;
}

/** Makes the handler of one kind of step for one run. */
export type StepHandlerFactory = (place: StepPlace) => StepHandler;

/**
 * The kinds of steps that this process runs. A kind is registered in `createStepHandlers`, once for
 * all programs.
 */
export class StepHandlers {
  constructor(private readonly factories: ReadonlyMap<StepKindName, StepHandlerFactory>) {}

  /** One handler for each kind. */
  forRun(place: StepPlace): StepHandler[] {
    return [...this.factories.values()].map((create) => create(place));
  }

  /** The same handlers, whose tries are counted and timed. */
  measuredBy(metrics: Metrics): StepHandlers {
    const measured = [...this.factories].map(
      ([kind, create]) =>
        [kind, (place: StepPlace) => new MeasuredStepHandler(create(place), metrics)] as const,
    );
    return new StepHandlers(new Map(measured));
  }
}

/** What handlers work with on their machine. */
export interface StepTools {
  readonly processes: ProcessRunner;
  readonly git: GitClient;
  readonly workspaces: WorkspaceStore;
}

/** The handlers of all `STEP_KINDS`. A kind without one does not compile. */
export function createStepHandlers({ processes, git, workspaces }: StepTools): StepHandlers {
  const factories: { readonly [kind in StepKindName]: StepHandlerFactory } = {
    shell: ({ workspace, group, output, host }) =>
      new ShellStepHandler(processes, workspace, group, output, host),
    git: ({ workspace, output, masks, access }) =>
      new GitStepHandler(git, workspace, output, workspaces, masks, access),
  };
  return new StepHandlers(
    new Map(Object.entries(factories) as [StepKindName, StepHandlerFactory][]),
  );
}
