import { SYSTEM_ACTOR, type AuditEntry } from '../common/audit/audit.js';

/** Something that the audit is told. */
export function entryOf(entry: Partial<AuditEntry> = {}): AuditEntry {
  return {
    action: 'pipelines.create',
    actor: SYSTEM_ACTOR,
    target: { kind: 'pipeline', id: 'p', name: 'depot' },
    ...entry,
  };
}
