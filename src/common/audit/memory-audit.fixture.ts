import { Audit, type AuditEntry } from './audit.js';

/** For specs of what tells the audit something. */
export class MemoryAudit extends Audit {
  readonly entries: AuditEntry[] = [];

  async record(entry: AuditEntry): Promise<void> {
    this.entries.push(entry);
  }

  note(entry: AuditEntry): void {
    this.entries.push(entry);
  }
}
