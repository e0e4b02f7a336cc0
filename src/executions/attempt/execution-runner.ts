import { Injectable, Logger } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { failPoint } from '../../common/fail-point.js';
import { Metrics } from '../../common/metrics/metrics.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import { entryFile } from '../../config/paths.js';
import { isDatabaseUnavailable } from '../../integrations/database/database-errors.js';
import { EventBus } from '../../integrations/event-bus/event-bus.js';
import { chooseGitClient } from '../../integrations/git/choose-git-client.js';
import type { ExtraAuthorities } from '../../integrations/git/extra-authorities.js';
import type { GitMirrorSettings } from '../../integrations/git/git-mirror-store.js';
import { sweepMirrors } from '../../integrations/git/mirror-sweep.js';
import type { JobOutcome } from '../../integrations/job-queue/job-queue.js';
import { LauncherProcessRunner } from '../../integrations/process/client/launcher-process-runner.js';
import { ensureStepUser } from '../../integrations/process/client/step-user.js';
import { type SpanAttributes, Tracing } from '../../integrations/tracing/tracing.js';
import { LogChunkStore } from '../../logs/store/log-chunk-store.js';
import type { LogMeter } from '../../logs/write/log-writer.js';
import { PlansService } from '../../pipelines/versions/plans.service.js';
import type { WorkerLease } from '../../workers/worker-lease.js';
import { WorkerPulse } from '../../workers/worker-pulse.js';
import { StepUserScripts } from '../../workspaces/step-user-scripts.js';
import { WorkspaceStore } from '../../workspaces/workspace-store.js';
import { ExecutionPlacer } from '../placement/execution-placer.js';
import { executionReasons } from '../record/execution-reasons.js';
import { ExecutionTracesRepository } from '../record/execution-traces.repository.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import { ExecutionsRepository } from '../record/executions.repository.js';
import { LiveExecutions } from '../record/live-executions.js';
import { ExecutionTakeover } from '../recovery/execution-takeover.js';
import { type AttemptEnd, type AttemptTools, ExecutionAttempt } from './execution-attempt.js';
import { LeftFolders } from './left-folders.js';
import { RunningAttempts } from './running-attempts.js';

/** A job whose execution cannot be claimed so long, because the database is away, is put back. */
const CLAIM_DEADLINE_MS = 30_000;
/** So often an execution may fail to be claimed here. */
const MOST_REFUSALS = 3;
/** Settled attempts that may be cleaned up behind their slot at one time. */
const MAX_CLEANING = 64;
/** How long a worker that ends waits for what it cleans up. */
const CLEANING_MS = 10_000;
const DAY_MS = 86_400_000;
/** Short, for the sake of unix sockets in a workspace. */
const WORKSPACES = 'w';

/** Runs executions on this worker: claim, attempt, and what follows from its end. */
@Injectable()
export class ExecutionRunner {
  private readonly logger = new Logger(ExecutionRunner.name);
  private tools: AttemptTools | undefined;
  private leftFolders: LeftFolders | undefined;
  private closeTools: (() => Promise<void>) | undefined;
  private readonly cleaning = new Set<Promise<void>>();
  /** How often the claim of an execution failed for another reason than an absent database. */
  private readonly refused = new Map<string, number>();

  constructor(
    private readonly config: MillraceConfig,
    private readonly plans: PlansService,
    private readonly executions: ExecutionsRepository,
    private readonly traces: ExecutionTracesRepository,
    private readonly live: LiveExecutions,
    private readonly chunks: LogChunkStore,
    private readonly bus: EventBus,
    private readonly placer: ExecutionPlacer,
    private readonly takeover: ExecutionTakeover,
    private readonly running: RunningAttempts,
    private readonly metrics: Metrics,
    private readonly tracing: Tracing,
    private readonly pulse: WorkerPulse,
  ) {}

  /** Starts what runs steps and ends what a dead worker of this host left; to be called once, before `run`. */
  async prepare(): Promise<void> {
    await mkdir(this.config.home, { recursive: true, mode: 0o750 });
    const stepUser = await ensureStepUser(this.config.stepUser);
    const processes = new LauncherProcessRunner({
      launcherEntry: entryFile('launcher'),
      stepUser,
      onSpawn: (ms) => this.metrics.stepSpawn.observe(ms / 1000),
      report: (event) => this.logger.warn(event, `launcher: ${event.message}`),
      isSteady: () => this.pulse.isSteady,
    });
    const mirrors = this.gitMirrors(stepUser !== undefined && stepUser.uid !== process.getuid?.());
    const git = await chooseGitClient(this.config.gitClient, this.config.allowPrivateUrls, {
      mirrors,
      authorities: this.gitAuthorities(),
    });
    const endSweep =
      mirrors &&
      sweepMirrors(mirrors, (error) => this.logger.warn({ err: error }, 'git mirrors not swept'));
    const groupPrefix = `millrace-${installationId(this.config.home)}-`;
    const ended = await processes.sweepStale(groupPrefix);
    if (ended > 0) this.logger.warn({ ended }, 'processes that a dead worker left were ended');
    await processes.warmUp();
    const workspaces = new WorkspaceStore(
      join(this.config.home, WORKSPACES),
      stepUser,
      new StepUserScripts(processes, `${groupPrefix}${process.pid}-`),
    );
    this.leftFolders = new LeftFolders(workspaces, this.running, this.executions, this.logger);
    this.tools = {
      plans: this.plans,
      executions: this.executions,
      traces: this.traces,
      live: this.live,
      chunks: this.chunks,
      bus: this.bus,
      processes,
      git,
      workspaces,
      groupPrefix,
      maxParallelSteps: this.config.workerMaxParallelSteps,
      logLimits: { totalBytes: this.config.maxLogSize, liveBytes: this.config.liveLogSize },
      logMeter: logMeter(this.metrics),
      logger: this.logger,
      metrics: this.metrics,
      tracing: this.tracing,
    };
    this.closeTools = async () => {
      endSweep?.();
      await processes.close();
      await git.close();
    };
  }

  private gitAuthorities(): ExtraAuthorities | undefined {
    const { gitCaFile: file, home: folder } = this.config;
    return file === undefined ? undefined : { file, folder };
  }

  /** A user of their own cannot change files of ours, whichever folder they are in. */
  private gitMirrors(stepsHaveUser: boolean): GitMirrorSettings | undefined {
    const { gitMirrorSize, gitMirrorDays, home } = this.config;
    if (gitMirrorSize === 0) return undefined;
    return {
      folder: join(home, 'git-mirrors'),
      maxBytes: gitMirrorSize,
      maxAgeMs: gitMirrorDays * DAY_MS,
      share: stepsHaveUser ? 'hard-link' : 'copy',
    };
  }

  async close(): Promise<void> {
    // What is not clean by then is left to the next worker of this host.
    const deadline = sleep(CLEANING_MS, undefined, { ref: false });
    await Promise.race([Promise.all(this.cleaning), deadline]);
    await this.closeTools?.();
  }

  /** @see LeftFolders */
  async removeLeftFolders(): Promise<void> {
    await this.leftFolders?.remove();
  }

  /** Gives up what this worker holds by the database's word but does not run. */
  async giveUpStrays(workerId: string): Promise<void> {
    for (const execution of await this.executions.claimedBy(workerId)) {
      if (this.running.holds(execution._id, execution.attempt)) continue;
      if (this.running.hasFailed(execution)) await this.takeover.takeFromLostWorker(execution._id);
      else await this.takeover.takeUnheardClaim(execution._id, execution.attempt);
    }
  }

  /** Claims the execution and runs one attempt of it. Never rejects. */
  async run(executionId: string, worker: Pick<WorkerLease, 'id' | 'name'>): Promise<JobOutcome> {
    if (!this.running.beginClaim(executionId)) return 'done';
    let attempt: ExecutionAttempt;
    let execution: ExecutionRecord | null;
    try {
      failPoint('job_taken');
      execution = await this.tracing.span('execution claim', attributesOf(executionId), () =>
        this.executions.claim(executionId, worker, CLAIM_DEADLINE_MS),
      );
      if (!execution) return 'done';
      this.refused.delete(executionId);
      failPoint('execution_claimed');
      attempt = this.begin(execution);
      this.running.add(execution, attempt);
      this.metrics.queueWait.observe(waitedSeconds(execution));
    } catch (error) {
      this.logger.warn({ err: error, executionId }, 'execution not begun');
      if (isDatabaseUnavailable(error)) return 'put_back';
      await this.refuse(executionId);
      return 'done';
    } finally {
      this.running.endClaim(executionId);
    }
    try {
      const end = await this.runTraced(execution, attempt);
      this.logger.log({ executionId, attempt: execution.attempt, end }, 'execution attempt ended');
      this.metrics.attempts.inc({ end });
      await this.cleanUpAfter(attempt, end);
      if (end === 'released') await this.placer.offer(nextOffer(execution));
    } catch (error) {
      this.logger.error({ err: error, executionId }, 'execution attempt failed in Millrace itself');
      this.metrics.attempts.inc({ end: 'failed' });
      this.running.noteFailed(execution);
      await attempt.cleanUp();
    } finally {
      this.running.remove(executionId);
    }
    return 'done';
  }

  private runTraced(execution: ExecutionRecord, attempt: ExecutionAttempt): Promise<AttemptEnd> {
    const attributes = {
      ...attributesOf(execution._id),
      'millrace.pipeline.id': execution.pipeline_id,
      'millrace.pipeline.version': execution.pipeline_version,
      'millrace.execution.attempt': execution.attempt,
    };
    return this.tracing.span('execution attempt', attributes, async (span) => {
      const end = await attempt.run();
      span.set({ 'millrace.end': end });
      return end;
    });
  }

  /**
   * An execution that the database will not let be claimed: it is offered again by the reconciler, a few times, and then ends
   * rather than to go round for ever.
   */
  private async refuse(executionId: string): Promise<void> {
    const count = (this.refused.get(executionId) ?? 0) + 1;
    this.refused.set(executionId, count);
    if (count < MOST_REFUSALS) return;
    this.refused.delete(executionId);
    try {
      const reason = executionReasons.internalError();
      const isEnded = await this.executions.endUnplaced(executionId, { status: 'failed', reason });
      if (isEnded) this.metrics.executionFinished('failed', null);
      this.logger.error({ executionId }, 'execution ended: it cannot be claimed');
    } catch (error) {
      this.logger.warn(
        { err: error, executionId },
        'execution not ended; the next offer tries again',
      );
    }
  }

  /**
   * A settled execution is over for everybody, so its slot does not wait for the sweep: in a burst of short runs that
   * would be half of their time. Any other is offered again, and must find nothing of this attempt alive.
   */
  private async cleanUpAfter(attempt: ExecutionAttempt, end: AttemptEnd): Promise<void> {
    const cleaning = attempt.cleanUp().finally(() => this.cleaning.delete(cleaning));
    this.cleaning.add(cleaning);
    if (end !== 'settled') await cleaning;
    else if (this.cleaning.size > MAX_CLEANING) await Promise.race(this.cleaning);
  }

  private begin(execution: ExecutionRecord): ExecutionAttempt {
    if (!this.tools) throw new Error('the runner was not prepared');
    return new ExecutionAttempt(execution, this.tools);
  }
}

/** The same for all workers that share a data folder. */
function installationId(home: string): string {
  return createHash('sha256').update(home).digest('hex').slice(0, 8);
}

function attributesOf(executionId: string): SpanAttributes {
  return { 'millrace.execution.id': executionId };
}

/** By the clocks of two machines, so never less than nothing. */
function waitedSeconds({ queued_at, placements }: ExecutionRecord): number {
  const claimedAt = placements.at(-1)?.claimed_at ?? queued_at;
  return Math.max(0, claimedAt.getTime() - queued_at.getTime()) / 1000;
}

function logMeter(metrics: Metrics): LogMeter {
  return {
    taken: (lines, bytes) => {
      metrics.logLines.inc(lines);
      metrics.logBytes.inc(bytes);
    },
    dropped: (bytes) => metrics.logDroppedBytes.inc(bytes),
    truncated: () => metrics.logsTruncated.inc(),
  };
}

function nextOffer(execution: ExecutionRecord): ExecutionRecord {
  return { ...execution, enqueue_number: execution.enqueue_number + 1 };
}
