import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSessions, SessionLog } from './session-log.js';

describe('SessionLog', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'millrace-sessions-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is nothing where the launcher has no audit sessions', () => {
    new SessionLog(folder, () => []).add(1);
    expect(readSessions(folder)).toBeUndefined();
  });

  it('tells of all, and whether a tree had none', () => {
    const log = new SessionLog(folder, () => []);
    log.begin();
    log.add(4);
    log.add(5);
    expect(readSessions(folder)).toEqual({ sessions: new Set([4, 5]), isExact: true });
    log.add(undefined);
    expect(readSessions(folder)).toEqual({ sessions: new Set([4, 5]), isExact: false });
  });

  it('stays small, and keeps those of the trees that are not forgotten', () => {
    const log = new SessionLog(folder, () => [3, 20_000]);
    log.begin();
    log.add(undefined);
    for (let session = 1; session <= 30_000; session += 1) log.add(session);
    const { sessions, isExact } = readSessions(folder) ?? { sessions: new Set(), isExact: true };
    expect([3, 20_000, 30_000].every((session) => sessions.has(session))).toBe(true);
    expect([isExact, sessions.has(4)]).toEqual([false, false]);
    expect(statSync(join(folder, 'audit-sessions')).size).toBeLessThan(70_000);
  });
});
