import { Injectable } from '@nestjs/common';
import { SeenSince } from '../../common/async/seen-since.js';
import { MillraceError } from '../../common/errors/millrace.error.js';
import { failPoint } from '../../common/fail-point.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import { type DueTick, dueTick } from '../../engine/schedules/due-tick.js';
import { ScheduleTimes } from '../../engine/schedules/schedule-times.js';
import { triggerReason } from '../../engine/triggers/trigger-reasons.js';
import { BackgroundRounds } from '../../integrations/database/background-rounds.js';
import { isDatabaseUnavailable } from '../../integrations/database/database-errors.js';
import { PipelinesService } from '../../pipelines/definitions/pipelines.service.js';
import { ScheduleClock } from './schedule-clock.js';
import { type PipelineDecision, PipelineDecider } from '../decisions/pipeline-decider.js';
import { type PipelineSchedule, schedulesOf } from './schedule-rules.js';
import { ScheduleStarter } from './schedule-starter.js';
import { ScheduleStore, type Tick, tickId, type TickReason } from './schedule-store.js';

const INTERVAL_MS = 2_000;
/** Whoever has decided a tick starts it within this time, or is dead. */
const GRACE_MS = 10_000;
/** Of a schedule that is seen for the first time no tick is older. */
const NEW_SCHEDULE_MS = 60_000;
const MOST_OPEN = 500;
const KEPT_MS = 14 * 24 * 3_600_000;
const SWEEP_EVERY_ROUNDS = 1_800;

/**
 * Starts pipelines at their times, in every API process: a tick is decided once, whoever comes
 * first, and whoever has decided it starts it; if that one dies, any other does.
 */
@Injectable()
export class Scheduler extends BackgroundRounds {
  private readonly open = new SeenSince<Tick>(({ id }) => id);
  /** By schedule: the first tick after `since`. */
  private nextTicks = new Map<string, { readonly since: number; readonly at: number }>();
  private count = 0;

  constructor(
    private readonly store: ScheduleStore,
    private readonly clock: ScheduleClock,
    private readonly pipelines: PipelinesService,
    private readonly decider: PipelineDecider,
    private readonly starter: ScheduleStarter,
  ) {
    super({ everyMs: INTERVAL_MS });
  }

  protected async work(): Promise<void> {
    await this.decideDue();
    await this.startLeft();
    if (this.count++ % SWEEP_EVERY_ROUNDS === 0) {
      await this.store.removeBefore(new Date(this.clock.now() - KEPT_MS));
    }
  }

  private async decideDue(): Promise<void> {
    // Read before the pipelines: a state without a schedule then is that of a removed schedule.
    const states = new Map((await this.store.all()).map((state) => [state.id, state]));
    const pipelines = await this.pipelines.scheduled();
    const now = this.clock.now();
    const nextTicks: typeof this.nextTicks = new Map();
    for (const { _id: pipelineId, triggers, updated_at: updatedAt } of pipelines) {
      for (const schedule of schedulesOf(pipelineId, triggers)) {
        const { id } = schedule;
        const first = Math.max(updatedAt.getTime(), now - NEW_SCHEDULE_MS);
        const since = states.get(id)?.since ?? new Date(first);
        if (!states.delete(id)) await this.store.begin({ id, pipelineId, since });
        const next = this.nextTick(schedule, since.getTime());
        nextTicks.set(id, next);
        if (next.at > now) continue;
        await this.guarded(id, () => this.decide(schedule, since.getTime(), now));
      }
    }
    this.nextTicks = nextTicks;
    // Rules that are not there any more: one that comes back later has missed nothing.
    await this.store.end([...states.keys()]);
  }

  private nextTick(
    schedule: PipelineSchedule,
    since: number,
  ): { readonly since: number; readonly at: number } {
    const known = this.nextTicks.get(schedule.id);
    if (known?.since === since) return known;
    return { since, at: new ScheduleTimes(schedule).next(since, 1)[0] ?? Infinity };
  }

  private async decide(schedule: PipelineSchedule, since: number, now: number): Promise<void> {
    const due = dueTick(schedule, since, now);
    if (due === undefined) return;
    const decision = await this.decider.decide(schedule.pipelineId, 'schedule').catch(nothing);
    if (decision === undefined) return;
    const mine = tickOf(schedule, due, decision, now);
    const stored = await this.store.decide(mine);
    if (!stored.starts || stored.executionId !== mine.executionId) return;
    failPoint('tick_decided');
    await this.start(stored);
  }

  /** What somebody has decided and not started. */
  private async startLeft(): Promise<void> {
    const open = await this.store.open(MOST_OPEN);
    const ages = this.open.ages(open);
    for (const [index, tick] of open.entries()) {
      if ((ages[index] ?? 0) < GRACE_MS) continue;
      await this.guarded(tick.scheduleId, () => this.start(tick));
    }
  }

  /** What is wrong with one schedule keeps no other from its time. */
  private async guarded(scheduleId: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (isDatabaseUnavailable(error)) throw error;
      this.logger.error({ err: error, scheduleId }, 'a schedule could not be served');
    }
  }

  private async start(tick: Tick): Promise<void> {
    await this.starter.start(tick);
    await this.store.started(tick.id);
  }
}

/** The pipeline was deleted just now. */
function nothing(error: unknown): undefined {
  if (error instanceof MillraceError && error.kind === 'NotFoundError') return undefined;
  throw error;
}

function tickOf(
  rule: PipelineSchedule,
  due: DueTick,
  decision: PipelineDecision,
  now: number,
): Tick {
  const { id: scheduleId, pipelineId } = rule;
  const at = new Date(due.at);
  const starts = decision.starts && (due.kind === 'on_time' || due.kind === 'late');
  return {
    id: tickId(scheduleId, at),
    scheduleId,
    pipelineId,
    at,
    decidedAt: new Date(now),
    starts,
    reason: decision.starts ? reasonOf(rule, due) : decision.reason,
    version: decision.version.number,
    executionId: starts ? uuidV7() : null,
  };
}

function reasonOf({ cron, timezone }: PipelineSchedule, { kind, lateMs }: DueTick): TickReason {
  const data = { late_ms: lateMs };
  switch (kind) {
    case 'on_time':
      return triggerReason('trigger_accepted', `it is time: "${cron}" in ${timezone}`);
    case 'late': {
      const why = 'nobody was there at its time; the newest tick that was missed is made up for';
      return triggerReason('schedule_caught_up', why, data);
    }
    case 'too_old': {
      const why = 'it was missed, and a day or more is too late to make up for it';
      return triggerReason('schedule_missed', why, data);
    }
    case 'no_catch_up': {
      const why = 'it was missed, and the rule says `catch_up: false`';
      return triggerReason('schedule_missed', why, data);
    }
  }
}
