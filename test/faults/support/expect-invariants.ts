import { appendFileSync } from 'node:fs';
import { checkInvariants, type Findings, type Subject } from './invariants.js';

/** One line of the file that `FAULT_REPORT` names: what `npm run faults` adds up. */
export interface FaultRecord {
  readonly fault: string;
  readonly lost: number;
  readonly doubled: number;
  readonly breaches: number;
  /**
   * From the end of the fault to the end of all that it hit, or from the blow to a named moment.
   */
  readonly recoveryMs: number;
}

/**
 * The end of every fault: expects that all invariants hold, and notes the figures.
 * @param fault full name of the test; to be given by tests that run side by side, where Jest does
 *   not know it
 */
export async function expectInvariants(subject: Subject, fault?: string): Promise<Findings> {
  const findings = await checkInvariants(subject);
  noteFault(
    {
      lost: findings.lost.length,
      doubled: findings.doubled.length,
      breaches: findings.breaches.length,
      recoveryMs: Math.round(findings.settledMs),
    },
    fault,
  );
  expect(findings.breaches).toEqual([]);
  expect(findings.lost).toEqual([]);
  expect(findings.doubled).toEqual([]);
  return findings;
}

/**
 * Notes how long something took, for the record of the run; what is asserted leaves room for a slow
 * machine.
 */
export function noteRecovery(what: string, tookMs: number, fault?: string): void {
  const recoveryMs = Math.round(tookMs);
  process.stdout.write(`${what}: ${(recoveryMs / 1_000).toFixed(1)} s\n`);
  noteFault({ lost: 0, doubled: 0, breaches: 0, recoveryMs }, fault);
}

function noteFault(record: Omit<FaultRecord, 'fault'>, fault?: string): void {
  const file = process.env['FAULT_REPORT'];
  if (file === undefined) return;
  const name = fault ?? expect.getState().currentTestName ?? 'unnamed';
  appendFileSync(file, `${JSON.stringify({ fault: name, ...record })}\n`);
}
