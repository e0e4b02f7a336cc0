import { SYSTEM_ACTOR, type AuditEntry } from '../common/audit/audit.js';

/** An entry for the audit. */
export function entryOf(entry: Partial<AuditEntry> = {}): AuditEntry {
  return {
    action: 'pipelines.create',
    actor: SYSTEM_ACTOR,
    target: { kind: 'pipeline', id: 'p', name: 'depot' },
    ...entry,
  };
}
