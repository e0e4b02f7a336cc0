import { type ScheduleState, ScheduleStore, type Tick } from './schedule-store.js';

/** The port for specs: what the contract says, without a database. */
export class MemoryScheduleStore extends ScheduleStore {
  private readonly schedules = new Map<string, ScheduleState>();
  private readonly ticks = new Map<string, { readonly tick: Tick; isOpen: boolean }>();

  async all(): Promise<ScheduleState[]> {
    return [...this.schedules.values()];
  }

  async ofPipeline(pipelineId: string): Promise<ScheduleState[]> {
    return [...this.schedules.values()].filter((one) => one.pipelineId === pipelineId);
  }

  async begin(schedule: Pick<ScheduleState, 'id' | 'pipelineId' | 'since'>): Promise<void> {
    if (!this.schedules.has(schedule.id)) {
      this.schedules.set(schedule.id, { ...schedule, last: null });
    }
  }

  async end(scheduleIds: readonly string[]): Promise<void> {
    for (const id of scheduleIds) this.schedules.delete(id);
  }

  async decide(tick: Tick): Promise<Tick> {
    const there = this.ticks.get(tick.id) ?? { tick, isOpen: tick.starts };
    this.ticks.set(tick.id, there);
    const schedule = this.schedules.get(tick.scheduleId);
    if (schedule && schedule.since.getTime() < tick.at.getTime()) {
      this.schedules.set(schedule.id, { ...schedule, since: tick.at, last: there.tick });
    }
    return there.tick;
  }

  async open(limit: number): Promise<Tick[]> {
    const open = [...this.ticks.values()].filter(({ isOpen }) => isOpen).map(({ tick }) => tick);
    open.sort((a, b) => a.decidedAt.getTime() - b.decidedAt.getTime());
    return open.slice(0, limit);
  }

  async started(tickId: string): Promise<void> {
    const there = this.ticks.get(tickId);
    if (there) there.isOpen = false;
  }

  async removeBefore(time: Date): Promise<void> {
    for (const [id, { tick, isOpen }] of this.ticks) {
      if (!isOpen && tick.decidedAt.getTime() < time.getTime()) this.ticks.delete(id);
    }
  }
}
