import { checkSpec } from '../service-spec.js';
import type { InstanceRecord } from './instance-record.js';
import { NO_RESTARTS } from '../../../common/restart-policy.js';
import { decideTakeOver, type HostNow } from './take-over.js';

const run = { pid: 100, start_ticks: 7, started_at: '2026-01-31T12:00:00.000Z' };
const record = (more: Partial<InstanceRecord>): InstanceRecord => ({
  ...{ format: 1, spec: checkSpec({ id: 'web', command: 'true', cwd: '/' }), user: null },
  ...{ mark: 'm', wanted: 'running', boot_id: 'today', run, history: NO_RESTARTS },
  ...{ next_start: null, failed: null, last_exit: null },
  ...more,
});
/** A host on which one process lives. */
const host = (pid: number, startTicks: number): HostNow => ({
  bootId: 'today',
  now: 1_000_000,
  isAlive: (process) => process.pid === pid && process.startTicks === startTicks,
});
const ours = host(100, 7);

describe('what a supervisor does about what it finds', () => {
  it('takes over the very process that was written down', () => {
    const process = { pid: 100, startTicks: 7 };
    expect(decideTakeOver(record({}), ours)).toEqual({ kind: 'adopt', process });
  });

  it('takes no other process for it: not one that has its pid, nor one of an earlier boot', () => {
    expect(decideTakeOver(record({}), host(100, 8))).toEqual({ kind: 'ended' });
    expect(decideTakeOver(record({}), host(101, 7))).toEqual({ kind: 'ended' });
    expect(decideTakeOver(record({ boot_id: 'yesterday' }), ours)).toEqual({ kind: 'begin_again' });
  });

  it('looks for one that may have been started without being written down', () => {
    expect(decideTakeOver(record({ run: 'starting' }), ours)).toEqual({ kind: 'look_for_it' });
    const before = record({ run: 'starting', boot_id: 'yesterday' });
    expect(decideTakeOver(before, ours)).toEqual({ kind: 'begin_again' });
  });

  it.each([
    ['the rest of its wait', 1_000_400, 400],
    ['no time when that is over', 999_000, 0],
    ['no longer than the longest wait, whatever the clock says', 9_000_000, 30_000],
  ])('waits %s', (_title, next, ms) => {
    const waiting = record({ run: null, next_start: next });
    expect(decideTakeOver(waiting, ours)).toEqual({ kind: 'wait', ms });
  });

  it('starts one at once that was wanted, and nothing more was done about it', () => {
    expect(decideTakeOver(record({ run: null }), ours)).toEqual({ kind: 'wait', ms: 0 });
  });

  it('leaves one alone that has failed, until the host is started again', () => {
    const failed = { run: null, failed: 'it ended too often' };
    expect(decideTakeOver(record(failed), ours)).toEqual({ kind: 'rest' });
    const before = record({ ...failed, boot_id: 'yesterday' });
    expect(decideTakeOver(before, ours)).toEqual({ kind: 'begin_again' });
  });

  it('continues with a stop and a removal, and starts neither after a boot', () => {
    expect(decideTakeOver(record({ wanted: 'stopped' }), ours)).toEqual({ kind: 'stop' });
    expect(decideTakeOver(record({ wanted: 'stopped', run: null }), ours).kind).toBe('rest');
    const stopped = record({ wanted: 'stopped', boot_id: 'yesterday' });
    expect(decideTakeOver(stopped, ours)).toEqual({ kind: 'rest' });
    const removed = record({ wanted: 'removed', boot_id: 'yesterday' });
    expect(decideTakeOver(removed, ours)).toEqual({ kind: 'remove' });
  });
});
