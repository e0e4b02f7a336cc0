import type { MaskSet } from '../../common/redaction/mask-set.js';
import type { TakenSecret } from '../../secrets/store/taken-secret.js';
import { mergedNames, type NameRecord, valueOf } from '../../common/values/name-record.js';
import type { Plan, RunContext } from '../../engine/plan/plan.js';
import type { EarlierRun, RunState } from '../../engine/plan/run-state.js';
import { usesContainers } from '../../engine/steps/uses-containers.js';
import type { Continuation } from '../../engine/runtime/continuation.js';
import { runPlan } from '../../engine/runtime/run-plan.js';
import type { Clock, RunPorts, RunResult } from '../../engine/runtime/run-ports.js';
import type { StepAddress } from '../../engine/runtime/step-handler.js';
import type { ContainerRuntime } from '../../integrations/container-runtime/container-runtime.js';
import type { ProcessGroups } from '../../integrations/process/process-groups.js';
import type { ProcessRunner } from '../../integrations/process/process-runner.js';
import type { WorkspaceOwnership } from '../../workspaces/workspace-ownership.js';
import type { Workspace } from '../../workspaces/workspace.js';
import type { PreparedFolders, WorkspaceStore } from '../../workspaces/workspace-store.js';
import type { ObjectStore } from '../../integrations/object-store/object-store.js';
import type { ArtifactSources } from '../artifacts/artifact-sources.js';
import type { CacheStore } from '../caches/cache-store.js';
import { RunCaches } from './steps/run-caches.js';
import { StepAdditions } from './steps/step-additions.js';
import { BroughtArtifacts } from './steps/brought-artifacts.js';
import type { ArtifactKeeper } from '../artifacts/artifact-keeper.js';
import type { StepAnswer } from '../record/suspension.js';
import type { KeptWorkspace, WorkspaceSnapshots } from '../suspension/workspace-snapshots.js';
import { maskedRun } from './masked-run.js';
import type { CloneAccess } from './steps/clone-access.js';
import type { RegistryAccess } from './steps/registry-access.js';
import type { TestReportSink } from '../reports/test-report-sink.js';
import { RunApprovals } from './steps/run-approvals.js';
import { RunArtifacts } from './steps/run-artifacts.js';
import type { KeptImage } from '../suspension/suspended-run.js';
import type { RunImages } from './steps/run-images.js';
import { RunReports } from './steps/run-reports.js';
import { dial } from './sidecars/dial.js';
import { RunSidecars } from './sidecars/run-sidecars.js';
import type { ServiceFinder } from './steps/service-finder.js';
import { StepHost } from './steps/step-environment.js';
import type { StepHandlers } from './steps/step-handlers.js';
import type { StepOutput } from './steps/step-output.js';

/** What plans are run with on this machine. */
export interface PlanRunTools {
  readonly processes: ProcessRunner;
  readonly workspaces: WorkspaceStore;
  readonly handlers: StepHandlers;
  readonly groups: ProcessGroups;
  readonly containers: ContainerRuntime;
  readonly artifacts: ArtifactKeeper;
  readonly objects: ObjectStore;
  readonly sources: ArtifactSources;
  readonly caches: CacheStore;
  /** Whose the caches are, where pipelines have no ids that stay; absent = the pipeline's id. */
  readonly cacheOwner?: string;
  readonly reports: TestReportSink;
  /** Absent: no service is known, as without a server. */
  readonly services?: ServiceFinder;
  /** The `PATH` of steps on this machine; absent = the fixed one. */
  readonly path?: string | undefined;
  /** Steps of one run at once. */
  readonly maxParallelSteps: number;
}

/** Where a run prints: the log of an execution, or a terminal. */
export interface RunOutput extends StepOutput {
  /** The last lines, masked, of a try that has ended. */
  lastLines(address: StepAddress, count: number): readonly string[];
}

/** Who hears of a run. */
export interface RunAudience extends Pick<RunPorts, 'onTrace'> {
  onState(state: RunState): void;
  readonly output: RunOutput;
  readonly masks: MaskSet;
  /** Values of the secrets that the run is given; all of them are masked. */
  readonly secrets: NameRecord<string>;
  /** Which ones these are, of a store. Absent: they are of none. */
  readonly taken?: readonly TakenSecret[];
  /** What it may clone with. */
  readonly access: CloneAccess;
  /** What it may fetch images with. */
  readonly registries: RegistryAccess;
  readonly clock: Clock;
}

/** Where a run begins; nothing of it: at the beginning. */
export interface RunBeginning {
  readonly resumeFrom?: EarlierRun | undefined;
  readonly continueFrom?: Continuation | undefined;
  /** What is decided of the steps that wait in `continueFrom`. */
  readonly answers?: readonly StepAnswer[];
  /** What names of images have led to before. */
  readonly images?: readonly KeptImage[] | undefined;
}

/** Lines of a failed try that its failure shows. */
const LAST_LINES = 20;

/**
 * Runs plans on this machine: the one way of the worker, of `millrace run` and of the scenarios. It
 * knows neither Nest nor a store.
 */
export class PlanRuns {
  constructor(private readonly tools: PlanRunTools) {}

  /** Makes folders ahead, for `open` or `unprepare`. */
  prepare(): PreparedFolders | undefined {
    return this.tools.workspaces.prepare();
  }

  unprepare(prepared: PreparedFolders): void {
    this.tools.workspaces.unprepare(prepared);
  }

  /**
   * Makes a fresh workspace; it is there until `cleanUp`. Rejects with an error of the file system,
   * or `FolderError`.
   */
  async open(executionId: string, attempt: number, prepared?: PreparedFolders): Promise<PlanRun> {
    const workspace = await this.tools.workspaces.create(executionId, attempt, prepared);
    const group = this.tools.groups.ofAttempt(executionId, attempt);
    return new PlanRun(workspace, group, this.tools, { executionId, attempt });
  }
}

/** One run of a plan, in a workspace of its own. */
export class PlanRun {
  private readonly ownership: WorkspaceOwnership;
  private usedContainers = false;
  private images: RunImages | undefined;
  /** Numbers all tries of the run, also of one that continues here. */
  private readonly host: StepHost;

  constructor(
    readonly workspace: Workspace,
    /** Of all processes that it starts. */
    readonly group: string,
    private readonly tools: PlanRunTools,
    private readonly ids: { readonly executionId: string; readonly attempt: number },
  ) {
    this.ownership = tools.workspaces.ownershipOf(workspace);
    this.host = new StepHost(workspace, tools.path);
  }

  /**
   * Runs a plan to its end, from the beginning or from where an earlier run was; again only after
   * it was suspended. The signal's reason is a `StopRequest`. Rejects for a defect of ours only.
   */
  async execute(
    plan: Plan,
    context: RunContext,
    audience: RunAudience,
    signal: AbortSignal,
    beginning: RunBeginning = {},
  ): Promise<RunResult> {
    const { workspace, group } = this;
    const { output, masks, clock, secrets, taken, access, registries } = audience;
    const {
      resumeFrom,
      continueFrom,
      answers = [],
      images: pinned = this.pinnedImages(),
    } = beginning;
    this.usedContainers = usesContainers(plan);
    const { host } = this;
    const { services } = this.tools;
    const mask = (text: string): string => masks.maskText(text);
    // What was masked when it came about is masked again once there are more masks.
    const shown = (state: RunState): RunState => (masks.hasGrown ? maskedRun(state, mask) : state);
    const images = this.tools.handlers.imagesFor(group, registries, pinned);
    this.images = images;
    const runtime = this.tools.containers;
    const sidecars = new RunSidecars({ ...{ runtime, images, group, output, clock, mask, dial } });
    const result = await runPlan(
      { plan, context, resumeFrom, continueFrom, maxParallelSteps: this.tools.maxParallelSteps },
      {
        handlers: this.tools.handlers.forRun({
          ...{ workspace, group, output, host, masks, access, images, sidecars, context },
          ownership: this.ownership,
          approvals: new RunApprovals(answers, continueFrom?.state),
          clock,
          ...(taken && { taken }),
          artifacts: new RunArtifacts(this.tools.artifacts, context, workspace, output),
          additions: new StepAdditions(),
          caches: new RunCaches(
            ...([this.tools.caches, this.tools.workspaces] as const),
            { ...context, pipelineId: this.tools.cacheOwner ?? context.pipelineId },
            workspace,
            ...([this.ownership, output] as const),
          ),
          brought: new BroughtArtifacts(this.tools, context, workspace, this.ownership, output),
          reports: new RunReports(this.tools.reports, context, workspace, masks, output),
        }),
        sidecars,
        clock,
        hostVariables: (address, action) =>
          mergedNames(host.variables(address, action), sidecars.variables(address, action)),
        secret: (name) => valueOf(secrets, name),
        ...(services && {
          findService: (name: string, signal: AbortSignal) => services.find(name, context, signal),
        }),
        onState: (state) => audience.onState(shown(state)),
        onTrace: (stage, step, trace) => audience.onTrace(stage, step, trace),
        systemLine: (address, text) => output.systemLine(address, text),
        mask,
        lastLines: (address) => output.lastLines(address, LAST_LINES),
      },
      signal,
    );
    return { ...result, state: shown(result.state) };
  }

  /** What names of images lead to, for whoever continues the run. */
  pinnedImages(): readonly KeptImage[] {
    return this.images?.pins() ?? [];
  }

  /**
   * Keeps the workspace for a later attempt; what is left of the processes ends first.
   *
   * @throws what `WorkspaceSnapshots.keep` throws
   */
  async keepWorkspace(snapshots: WorkspaceSnapshots, signal: AbortSignal): Promise<KeptWorkspace> {
    await this.sweep();
    const { executionId, attempt } = this.ids;
    return snapshots.keep(executionId, attempt, this.workspace, this.ownership, signal);
  }

  /**
   * Fills the fresh workspace with that of an earlier attempt.
   *
   * @throws what `WorkspaceSnapshots.restore` throws
   */
  async restoreWorkspace(
    snapshots: WorkspaceSnapshots,
    attempt: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { executionId } = this.ids;
    await snapshots.restore(executionId, attempt, this.workspace, this.ownership, signal);
  }

  /** Ends every process that it left, wherever that went. Idempotent. */
  async sweep(): Promise<void> {
    await this.tools.processes.sweep(this.group);
    if (this.usedContainers) await this.tools.containers.sweep(this.group);
  }

  /** Ends what it left running, then removes its workspace. Idempotent. */
  async cleanUp(): Promise<void> {
    await this.sweep();
    await this.tools.workspaces.release(this.workspace);
  }
}
