import { type Page, pageOf, type PageRequest } from '../../common/http/paging.js';
import type { Alert } from './alert.js';
import type { AlertState } from './alert-state.js';
import { AlertStore } from './alert-store.js';

/** Stands in for the database. */
export class MemoryAlertStore extends AlertStore {
  readonly alerts = new Map<string, Alert>();
  readonly stateRecords = new Map<string, AlertState>();

  insert(alert: Alert): Promise<void> {
    if (!this.alerts.has(alert._id)) this.alerts.set(alert._id, alert);
    return Promise.resolve();
  }

  find(id: string): Promise<Alert | undefined> {
    return Promise.resolve(this.alerts.get(id));
  }

  save(next: Alert): Promise<boolean> {
    if (this.alerts.get(next._id)?.version !== next.version - 1) return Promise.resolve(false);
    this.alerts.set(next._id, next);
    return Promise.resolve(true);
  }

  due(at: Date, limit: number): Promise<readonly Alert[]> {
    const rows = [...this.alerts.values()].filter(({ due_at: due }) => due && due <= at);
    rows.sort((a, b) => (a.due_at?.getTime() ?? 0) - (b.due_at?.getTime() ?? 0));
    return Promise.resolve(rows.slice(0, limit));
  }

  open(subject: string, limit: number): Promise<readonly Alert[]> {
    const rows = this.sorted(subject).filter(({ due_at: due }) => due !== null);
    return Promise.resolve(rows.slice(0, limit));
  }

  page(subject: string, { limit, after }: PageRequest): Promise<Page<Alert>> {
    const rows = this.sorted(subject)
      .reverse()
      .filter(({ _id }) => after === undefined || _id < after);
    return Promise.resolve(pageOf(rows, limit, ({ _id }) => _id));
  }

  removeBefore(time: Date): Promise<void> {
    for (const [id, { created_at: at }] of this.alerts) if (at < time) this.alerts.delete(id);
    return Promise.resolve();
  }

  states(): Promise<ReadonlyMap<string, AlertState>> {
    return Promise.resolve(new Map(this.stateRecords));
  }

  saveState(next: AlertState): Promise<boolean> {
    const before = this.stateRecords.get(next._id)?.version ?? 0;
    if (before !== next.version - 1) return Promise.resolve(false);
    this.stateRecords.set(next._id, next);
    return Promise.resolve(true);
  }

  removeState(subject: string): Promise<void> {
    this.stateRecords.delete(subject);
    return Promise.resolve();
  }

  private sorted(subject: string): Alert[] {
    return [...this.alerts.values()]
      .filter((one) => one.subject === subject)
      .sort((a, b) => (a._id < b._id ? -1 : 1));
  }
}
