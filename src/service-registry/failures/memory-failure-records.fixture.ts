import type { FailureRecord, FailureRecordState } from './failure-record.js';
import { FailureRecords } from './failure-records.js';

export class MemoryFailureRecords extends FailureRecords {
  readonly all = new Map<string, FailureRecord>();

  add(record: FailureRecord): Promise<boolean> {
    const there = this.all.get(record._id);
    if (there !== undefined) {
      const { deployment_id: deployment } = record;
      return Promise.resolve(deployment !== null && there.deployment_id === deployment);
    }
    this.all.set(record._id, record);
    return Promise.resolve(true);
  }

  settle(id: string, state: Exclude<FailureRecordState, 'decided'>): Promise<void> {
    const found = this.all.get(id);
    if (found?.state === 'decided') this.all.set(id, { ...found, state });
    return Promise.resolve();
  }

  of(service: string, limit: number): Promise<readonly FailureRecord[]> {
    const own = this.sorted().filter((one) => one.service === service);
    return Promise.resolve(own.reverse().slice(0, limit));
  }

  decided(): Promise<readonly FailureRecord[]> {
    return Promise.resolve(this.sorted().filter(({ state }) => state === 'decided'));
  }

  removeOf(service: string): Promise<void> {
    return this.remove((one) => one.service === service);
  }

  removeBefore(time: Date): Promise<void> {
    return this.remove(({ at }) => at < time);
  }

  private sorted(): FailureRecord[] {
    return [...this.all.values()].sort((a, b) => (a._id < b._id ? -1 : 1));
  }

  private remove(isGone: (record: FailureRecord) => boolean): Promise<void> {
    for (const one of this.sorted().filter(isGone)) this.all.delete(one._id);
    return Promise.resolve();
  }
}
