import { Injectable } from '@nestjs/common';
import { ScheduleTimes } from '../../engine/schedules/schedule-times.js';
import { ScheduleClock } from './schedule-clock.js';
import { PipelineDecider } from '../decisions/pipeline-decider.js';
import { type PipelineSchedule, schedulesOf } from './schedule-rules.js';
import { ScheduleStore, type Tick, type TickReason } from './schedule-store.js';

const TIMES_SHOWN = 5;

export interface ListedSchedule {
  readonly rule: PipelineSchedule;
  readonly next: readonly Date[];
  readonly last: Tick | null;
}

export interface PipelineSchedules {
  readonly starts: boolean;
  readonly reason: TickReason;
  readonly items: readonly ListedSchedule[];
}

/** Tells when a pipeline starts, and what came of the last time. */
@Injectable()
export class SchedulesService {
  constructor(
    private readonly store: ScheduleStore,
    private readonly clock: ScheduleClock,
    private readonly decider: PipelineDecider,
  ) {}

  /** @throws MillraceError NotFoundError */
  async of(pipelineId: string): Promise<PipelineSchedules> {
    const { starts, reason, version } = await this.decider.decide(pipelineId, 'schedule');
    const states = await this.store.ofPipeline(pipelineId);
    const now = this.clock.now();
    const items = schedulesOf(pipelineId, version.definition.triggers).map((rule) => ({
      rule,
      next: new ScheduleTimes(rule).next(now, TIMES_SHOWN).map((instant) => new Date(instant)),
      last: states.find(({ id }) => id === rule.id)?.last ?? null,
    }));
    return { starts, reason, items };
  }
}
