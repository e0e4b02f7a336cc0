import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { standIn } from '../../../test/support/stand-in.js';
import { Metrics } from '../../common/metrics/metrics.js';
import type { MillraceConfig } from '../../config/millrace-config.js';
import { compileYaml } from '../../engine/compiler/compile-yaml.js';
import type { Plan } from '../../engine/plan/plan.js';
import { pendingState } from '../../engine/runtime/pending-state.js';
import { MemoryEventBus } from '../../integrations/event-bus/memory-event-bus.js';
import { AbsentBuilder } from '../../integrations/container-runtime/image-builder.js';
import { AbsentRuntime } from '../../integrations/container-runtime/absent-runtime.js';
import type { GitClient } from '../../integrations/git/git-client.js';
import {
  FakeProcessRunner,
  type FakeScript,
} from '../../integrations/process/fake-process-runner.js';
import { ProcessGroups } from '../../integrations/process/process-groups.js';
import { NoTracing } from '../../integrations/tracing/tracing.js';
import { LogReader } from '../../logs/read/log-reader.js';
import { MemoryLogChunkStore } from '../../logs/store/memory-log-chunk-store.js';
import type { PlansService } from '../../pipelines/versions/plans.service.js';
import { StepUserScripts } from '../../workspaces/step-user-scripts.js';
import { WorkspaceStore } from '../../workspaces/workspace-store.js';
import { diskObjectStore } from '../../integrations/object-store/disk/disk-object-store.js';
import { testKeyring } from '../../secrets/encryption/keyring.fixture.js';
import type { ContinueExecution } from '../approvals/continue-execution.js';
import { WorkspaceSnapshots } from '../suspension/workspace-snapshots.js';
import type { ArtifactSources } from '../artifacts/artifact-sources.js';
import type { CacheStore } from '../caches/cache-store.js';
import { ArtifactKeeper } from '../artifacts/artifact-keeper.js';
import { EndingFixture } from '../ending/ending.fixture.js';
import type { ExecutionPlacer } from '../placement/execution-placer.js';
import { pendingExecution } from '../record/execution.fixture.js';
import type { StoredTrace } from '../record/execution-trace.schema.js';
import type { ExecutionTracesRepository } from '../record/execution-traces.repository.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import { LiveExecutions } from '../record/live-executions.js';
import { logFencesOf } from '../record/log-fences.js';
import { MemoryExecutions } from '../record/memory-executions.fixture.js';
import { runContextOf } from '../record/run-context.js';
import { storedRun } from '../record/stored-state.js';
import { RequeueExecution } from '../recovery/requeue-execution.js';
import { AttemptLogs } from './attempt-logs.js';
import type { ExecutionAttempt } from './execution-attempt.js';
import { ExecutionAttempts } from './execution-attempts.js';
import { PlanRuns } from './plan-runs.js';
import type { GivenSecrets, RunSecrets } from './run-secrets.js';
import { CloneAccess } from './steps/clone-access.js';
import { RegistryAccess } from './steps/registry-access.js';
import { NoDeployer } from './steps/deployer.js';
import { NoDeployHints } from './steps/deploy-hints.js';
import { NoStartCommands } from './steps/start-commands.js';
import { createStepHandlers } from './steps/step-handlers.js';

const NO_CONTAINERS = new AbsentRuntime('a spec has none');

/** What the commands of these tests do: a process that waits is ended by nobody but `kill`. */
const SCRIPTS: Readonly<Record<string, FakeScript>> = {
  ok: { stdout: ['one\ntwo\n'], exit: { kind: 'exited', exitCode: 0 } },
  fail: { stdout: ['oh no\n'], exit: { kind: 'exited', exitCode: 3 } },
  leak: { stdout: ['it is hunter2-secret\n'], exit: { kind: 'exited', exitCode: 0 } },
  fail_leaking: { stdout: ['hunter2-secret\n'], exit: { kind: 'exited', exitCode: 3 } },
  wait: { stdout: ['waits\n'], exit: new Promise(() => undefined) },
};

export const WORKER = { id: 'w1', name: 'worker-1' };

/** A worker's attempts, with stores and processes in memory and real folders in a temporary one. */
export class AttemptBench {
  readonly base = mkdtempSync(join(tmpdir(), 'mr-attempt-'));
  readonly executions = new MemoryExecutions();
  readonly chunks = new MemoryLogChunkStore();
  readonly bus = new MemoryEventBus();
  readonly live = new LiveExecutions(this.bus);
  readonly metrics = new Metrics();
  readonly ending = new EndingFixture(this.executions, this.bus, this.metrics);
  /** Offers to other workers, and how many workspaces were there then. */
  readonly offered: { readonly enqueue_number: number; readonly folders: number }[] = [];
  readonly processes = new FakeProcessRunner(({ args }) => {
    if (args[0] === '-c' && args[2] === 'sh') return realScript(args);
    const script = SCRIPTS[args.at(-1) ?? ''];
    if (!script) throw new Error(`no script for ${args.join(' ')}`);
    return script;
  });
  readonly workspaces = new WorkspaceStore(
    join(this.base, 'w'),
    undefined,
    new StepUserScripts(this.processes, 'spec-'),
  );
  readonly artifacts = new ArtifactKeeper(
    diskObjectStore(join(this.base, 'objects')),
    { insert: async () => undefined, bytesOf: async () => 0 },
    1_000_000,
  );
  readonly objects = diskObjectStore(join(this.base, 'objects'));
  readonly snapshots = new WorkspaceSnapshots(this.objects, this.workspaces, 1_000_000);
  /** Executions that wait, as soon as they do. */
  readonly waiting: string[] = [];
  readonly traces: StoredTrace[] = [];
  /** By execution attempt. */
  private readonly tracesOf = new Map<number, readonly StoredTrace[]>();
  readonly attempts: ExecutionAttempts;
  plan: Plan;
  /** What a run is given of secrets. */
  secrets: GivenSecrets = {
    kind: 'values',
    values: {},
    access: CloneAccess.none,
    registries: RegistryAccess.none,
  };
  /** What the plan cannot be read for. */
  planFailure: Error | undefined;

  constructor(yaml: string) {
    this.plan = planOf(yaml);
    const { processes, workspaces } = this;
    const handlers = createStepHandlers({
      ...{ processes, workspaces, containers: NO_CONTAINERS, registries: undefined },
      builder: new AbsentBuilder('a spec has none'),
      git: standIn<GitClient>({}),
      deployer: new NoDeployer(),
      starts: new NoStartCommands(),
      hints: new NoDeployHints(),
    });
    this.attempts = new ExecutionAttempts(
      new PlanRuns({
        ...{ processes, workspaces, handlers, containers: NO_CONTAINERS },
        artifacts: this.artifacts,
        objects: diskObjectStore(join(this.base, 'objects')),
        sources: standIn<ArtifactSources>({}),
        caches: standIn<CacheStore>({}),
        reports: { insert: async () => undefined },
        groups: new ProcessGroups('spec-'),
        maxParallelSteps: 8,
      }),
      new AttemptLogs(
        { maxLogSize: 1_000_000, liveLogSize: 1_000_000 } as MillraceConfig,
        this.chunks,
        this.bus,
        this.metrics,
      ),
      standIn<PlansService>({
        get: async () => {
          if (this.planFailure) throw this.planFailure;
          return this.plan;
        },
      }),
      this.executions.repository,
      this.ending.endings,
      new RequeueExecution(
        this.executions.repository,
        standIn<ExecutionPlacer>({
          offer: async ({ enqueue_number }) => {
            this.offered.push({ enqueue_number, folders: (await this.workspaces.list()).length });
            return true;
          },
        }),
      ),
      standIn<ExecutionTracesRepository>({
        save: async ({ fence }, traces) => {
          this.traces.splice(0, Infinity, ...traces);
          this.tracesOf.set(fence, [...traces]);
        },
        find: async (_id, fence) => this.tracesOf.get(fence) ?? [],
      }),
      this.live,
      new NoTracing(),
      standIn<RunSecrets>({
        resolve: async () => this.secrets,
      }),
      this.snapshots,
      testKeyring(),
      standIn<ContinueExecution>({
        lookAt: async (id) => {
          this.waiting.push(id);
          return false;
        },
        tell: () => undefined,
      }),
      { publicUrl: 'https://ci.example.org' } as MillraceConfig,
    );
  }

  /** Also ends what runs: an attempt that nobody ended would keep the test from its own end. */
  async close(): Promise<void> {
    await this.processes.close();
    rmSync(this.base, { recursive: true, force: true });
  }

  /** An execution that a worker has just claimed. */
  async claimed(changes: Partial<ExecutionRecord> = {}): Promise<ExecutionRecord> {
    const blank = pendingExecution(changes);
    const run = storedRun(pendingState(this.plan, runContextOf(blank)));
    await this.executions.insert({ ...blank, ...run, ...changes });
    const claimed = await this.executions.claim(blank._id, WORKER);
    if (!claimed) throw new Error('not claimed');
    return claimed;
  }

  async begin(changes: Partial<ExecutionRecord> = {}): Promise<{
    readonly execution: ExecutionRecord;
    readonly attempt: ExecutionAttempt;
    stored(): ExecutionRecord;
  }> {
    const execution = await this.claimed(changes);
    const attempt = this.attempts.create(execution);
    return { execution, attempt, stored: () => this.executions.stored(execution._id) };
  }

  /** Resolves when so many processes of steps were started. */
  async started(count: number): Promise<void> {
    const giveUpAt = performance.now() + 5_000;
    while (this.processes.started.length < count) {
      if (performance.now() > giveUpAt) throw new Error(`${count} processes were not started`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** The log as a reader sees it: `seq text`. */
  async log(execution: ExecutionRecord): Promise<string[]> {
    const lines: string[] = [];
    const query = { executionId: execution._id, fences: logFencesOf(execution), afterSeq: 0 };
    for await (const { seq, text } of new LogReader(this.chunks).readLines(query)) {
      lines.push(`${seq} ${text}`);
    }
    return lines;
  }
}

/** What is done in folders of steps is done: no other program is started. */
function realScript(args: readonly string[]): FakeScript {
  const { status, stdout, stderr } = spawnSync('/bin/sh', args, { encoding: 'utf8' });
  return { stdout: [stdout], stderr: [stderr], exit: { kind: 'exited', exitCode: status ?? 1 } };
}

export function planOf(yaml: string): Plan {
  const { plan, problems } = compileYaml(yaml);
  if (!plan) throw new Error(JSON.stringify(problems));
  return plan;
}
