import type { Metrics } from '../../../common/metrics/metrics.js';
import type { MaskSet } from '../../../common/redaction/mask-set.js';
import type { Clock } from '../../../engine/runtime/run-ports.js';
import type { StepHandler } from '../../../engine/runtime/step-handler.js';
import type { StepKindName } from '../../../engine/steps/step-kinds.js';
import type { GitClient } from '../../../integrations/git/git-client.js';
import type { ContainerRuntime } from '../../../integrations/container-runtime/container-runtime.js';
import type { ImageBuilder } from '../../../integrations/container-runtime/image-builder.js';
import type { ProcessRunner } from '../../../integrations/process/process-runner.js';
import type { Workspace } from '../../../workspaces/workspace.js';
import type { WorkspaceOwnership } from '../../../workspaces/workspace-ownership.js';
import type { WorkspaceStore } from '../../../workspaces/workspace-store.js';
import type { RunContext } from '../../../engine/plan/plan.js';
import type { Deployer } from './deployer.js';
import type { TakenSecret } from '../../../secrets/store/taken-secret.js';
import type { DeployHints } from './deploy-hints.js';
import { DeployedImages } from './deployed-images.js';
import type { StartCommands } from './start-commands.js';
import { DeployStepHandler } from './deploy-step.handler.js';
import type { CloneAccess } from './clone-access.js';
import { CachedStepHandler } from './cached-step.handler.js';
import { CommandPhaseHandler } from './command-phase.handler.js';
import type { RunCaches } from './run-caches.js';
import type { StepAdditions } from './step-additions.js';
import type { BroughtArtifacts } from './brought-artifacts.js';
import type { RunArtifacts } from './run-artifacts.js';
import type { RunReports } from './run-reports.js';
import { CollectingStepHandler } from './collecting-step.handler.js';
import type { RegistryAccess } from './registry-access.js';
import type { KeptImage } from '../../suspension/suspended-run.js';
import { RunImages } from './run-images.js';
import { BuiltNames } from './built-names.js';
import { ApprovalStepHandler } from './approval-step.handler.js';
import type { ApprovalDesk } from './run-approvals.js';
import { BuildStepHandler } from './build-step.handler.js';
import { ContainerStepHandler } from './container-step.handler.js';
import { GitStepHandler } from './git-step.handler.js';
import { MeasuredStepHandler } from './measured-step.handler.js';
import { OwnedStepHandler } from './owned-step.handler.js';
import { ShellStepHandler } from './shell-step.handler.js';
import type { StepHost } from './step-environment.js';
import type { StepOutput } from './step-output.js';
import { BesideSidecarsHandler, type StepSidecars } from './step-sidecars.js';

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
  readonly images: RunImages;
  readonly sidecars: StepSidecars;
  readonly ownership: WorkspaceOwnership;
  readonly artifacts: RunArtifacts;
  readonly reports: RunReports;
  readonly brought: BroughtArtifacts;
  readonly caches: RunCaches;
  readonly additions: StepAdditions;
  readonly approvals: ApprovalDesk;
  readonly clock: Clock;
  /** Which secrets the run was given. Absent: they are of no store. */
  readonly taken?: readonly TakenSecret[];
  /** What is known of the run. */
  readonly context: RunContext;
}

/** Makes the handler of one kind of step for one run. */
export type StepHandlerFactory = (place: StepPlace) => StepHandler;

/**
 * The kinds of steps that this process runs. A kind is registered in `createStepHandlers`, once for
 * all programs.
 */
export class StepHandlers {
  constructor(
    private readonly factories: ReadonlyMap<StepKindName, StepHandlerFactory>,
    /**
     * The images of one run, by its group, what it logs in with at registries, and what names have
     * led to in runs that it continues.
     */
    readonly imagesFor: (
      group: string,
      access: RegistryAccess,
      pinned?: readonly KeptImage[],
    ) => RunImages,
  ) {}

  /** One handler for each kind. */
  forRun(place: StepPlace): StepHandler[] {
    return [...this.factories.values()].map((create) => create(place));
  }

  /** The same handlers, whose tries are counted and timed. */
  measuredBy(metrics: Metrics): StepHandlers {
    return this.within((inner) => new MeasuredStepHandler(inner, metrics));
  }

  /** The same handlers, each of them in another one. */
  within(outer: (inner: StepHandler, place: StepPlace) => StepHandler): StepHandlers {
    const outers = [...this.factories].map(
      ([kind, create]) => [kind, (place: StepPlace) => outer(create(place), place)] as const,
    );
    return new StepHandlers(new Map(outers), this.imagesFor);
  }
}

/** What handlers work with on their machine. */
export interface StepTools {
  readonly processes: ProcessRunner;
  readonly git: GitClient;
  readonly workspaces: WorkspaceStore;
  readonly containers: ContainerRuntime;
  readonly builder: ImageBuilder;
  /** Registries that images may come from; undefined: any. */
  readonly registries: readonly string[] | undefined;
  readonly deployer: Deployer;
  readonly starts: StartCommands;
  readonly hints: DeployHints;
}

/** The handlers of all `STEP_KINDS`. A kind without one does not compile. */
export function createStepHandlers(tools: StepTools): StepHandlers {
  const { processes, git, workspaces, containers, registries: allowed } = tools;
  const builds = (place: StepPlace): BuildStepHandler => {
    const { workspace, group, output, host, masks, images, ownership } = place;
    return new BuildStepHandler({
      ...{ processes, builder: tools.builder, allowed },
      ...{ access: images.access, built: images.built },
      ...{ workspace, ownership, group, output, host, masks },
    });
  };
  const factories: { readonly [kind in StepKindName]: StepHandlerFactory } = {
    shell: ({ workspace, group, output, host, ownership }) =>
      new OwnedStepHandler(
        new ShellStepHandler(processes, workspace, group, output, host),
        ownership,
      ),
    container: ({ workspace, group, output, host, ownership, images, sidecars, additions }) =>
      new ContainerStepHandler(
        ...([containers, images, workspace, ownership] as const),
        ...([group, output, host, sidecars, additions] as const),
      ),
    build: builds,
    git: ({ workspace, output, masks, access, ownership }) =>
      new OwnedStepHandler(
        new GitStepHandler(git, workspace, output, workspaces, masks, access),
        ownership,
      ),
    deploy: (place) => {
      const { context, workspace, ownership, output, images, masks, approvals } = place;
      const { hints } = tools;
      const ofImages = { images, builds: builds(place), hints, workspace, ownership };
      const { executionId } = context;
      return new DeployStepHandler(
        ...([tools.deployer, tools.starts, context, workspace, ownership, output] as const),
        ...([new DeployedImages({ ...ofImages, executionId }), hints, masks, approvals] as const),
        place.taken,
      );
    },
    approval: ({ approvals, output, clock }) => new ApprovalStepHandler(approvals, output, clock),
  };
  const all = Object.entries(factories) as [StepKindName, StepHandlerFactory][];
  return new StepHandlers(
    new Map(all.map(([kind, create]) => [kind, besideSidecars(collecting(create))])),
    (group, access, pinned) =>
      new RunImages(containers, group, access, allowed, new BuiltNames(), pinned),
  );
}

/** What any kind of step needs, and leaves behind, is brought and kept in one way. */
export function collecting(create: StepHandlerFactory): StepHandlerFactory {
  return (place) =>
    new CollectingStepHandler(
      new CachedStepHandler(
        new CommandPhaseHandler(create(place)),
        ...([place.caches, place.additions] as const),
      ),
      ...([place.artifacts, place.reports, place.brought, place.ownership] as const),
    );
}

function besideSidecars(create: StepHandlerFactory): StepHandlerFactory {
  return (place) => new BesideSidecarsHandler(create(place), place.sidecars, place.output);
}
