import { ProcessSnapshot } from './process-snapshot.js';
import type { ProcessEntry } from '../../../common/child-process/process-stat.js';
import { TreeLedger, type LedgerTree } from './tree-ledger.js';
import { findGroup, findLauncherLeftovers, findTree } from './tree-search.js';

interface Row {
  readonly pid: number;
  readonly parentPid?: number;
  readonly session?: number;
  readonly processGroup?: number;
  readonly startTicks?: number;
  readonly mark?: number;
  readonly group?: string;
  readonly files?: readonly string[];
  readonly folder?: string;
  /** Real, effective and saved user; default: the steps'. */
  readonly owners?: readonly number[];
  readonly auditSession?: number;
}

const STEP_UID = 65_000;

function snapshot(...rows: readonly Row[]): ProcessSnapshot {
  const row = (pid: number): Row | undefined => rows.find((candidate) => candidate.pid === pid);
  const entries: ProcessEntry[] = rows.map(({ pid, parentPid = 1, startTicks = 100, ...rest }) => ({
    pid,
    parentPid,
    startTicks,
    session: rest.session ?? pid,
    processGroup: rest.processGroup ?? pid,
  }));
  return new ProcessSnapshot(entries, {
    mark: (pid) => row(pid)?.mark ?? 0,
    group: (pid) => row(pid)?.group,
    writtenFiles: (pid) => row(pid)?.files ?? [],
    folder: (pid) => row(pid)?.folder,
    owners: (pid) => row(pid)?.owners ?? [STEP_UID, STEP_UID, STEP_UID],
    auditSession: (pid) => row(pid)?.auditSession,
  });
}

const pids = (entries: readonly ProcessEntry[]): number[] => entries.map(({ pid }) => pid).sort();

describe('the search for what belongs to a step', () => {
  let ledger: TreeLedger;
  let tree: LedgerTree;

  beforeEach(() => {
    ledger = new TreeLedger(STEP_UID);
    tree = ledger.add({
      process: 1,
      group: 'g',
      cwd: '/work/g',
      pid: 10,
      startTicks: 100,
      auditSession: undefined,
      mark: 400,
      outputs: ['/fifo/1', '/fifo/2'],
    });
  });

  const inGroup = (...rows: Row[]): number[] =>
    pids(findGroup(snapshot(...rows), ledger.trace('g')));
  const inTree = (...rows: Row[]): number[] => pids(findTree(snapshot(...rows), tree, STEP_UID));

  it.each<[string, Row]>([
    ['the session of its leader', { pid: 20, session: 10 }],
    ['the process group of its leader', { pid: 20, processGroup: 10 }],
    ['its mark', { pid: 20, mark: 400 }],
    ['an output of it', { pid: 20, files: ['/dev/null', '/fifo/2'] }],
  ])('finds a process with %s', (_, row) => {
    expect(inTree(row)).toEqual([20]);
    expect(inGroup(row)).toEqual([20]);
  });

  it('finds the group by its variable, and descendants of whatever it found', () => {
    const rows = [
      { pid: 20, group: 'g' },
      { pid: 21, parentPid: 20 },
      { pid: 22, parentPid: 21 },
      { pid: 30 },
    ];
    expect(inGroup(...rows)).toEqual([20, 21, 22]);
  });

  it.each<[string, Row]>([
    ['began before the tree', { pid: 20, mark: 400, startTicks: 99 }],
    ['has another mark', { pid: 20, mark: 401 }],
    ['stands in another folder', { pid: 20, folder: '/work/g2' }],
  ])('leaves a process of the group alone that %s', (_, row) => {
    expect(inGroup(row)).toEqual([]);
  });

  it('finds the groups of a Millrace that runs in the step', () => {
    expect(inGroup({ pid: 20, group: 'g/inner' }, { pid: 21, group: 'gg/inner' })).toEqual([20]);
  });

  it('finds what the step user runs in the folder', () => {
    expect(inGroup({ pid: 20, folder: '/work/g/sub' })).toEqual([20]);
  });

  const evidence: [string, Row][] = [
    ['its mark', { pid: 20, mark: 400 }],
    ['the session of its leader', { pid: 20, session: 10 }],
    ['the process group of its leader', { pid: 20, processGroup: 10 }],
    ['an output of it', { pid: 20, files: ['/fifo/2'] }],
  ];

  it.each(evidence)('a foreign name does not acquit what has %s', (_, row) => {
    expect(inGroup({ ...row, group: 'other' })).toEqual([20]);
    expect(inTree({ ...row, group: 'other' })).toEqual([20]);
  });

  it.each<[string, Row]>([
    ...evidence,
    ['its variable', { pid: 20, group: 'g' }],
    ['its folder', { pid: 20, folder: '/work/g' }],
  ])('nobody else’s process is found by %s', (_, row) => {
    expect(inGroup(row)).toEqual([20]);
    expect(inGroup({ ...row, owners: [0, 0, 0] })).toEqual([]);
    expect(inTree({ ...row, owners: [0, 0, 0] })).toEqual([]);
    expect(leftovers(false, { ...row, owners: [0, 0, 0] })).toEqual([]);
  });

  it('finds a program of the server by the session that it leads, and by nothing that others have', () => {
    const owners = [0, 0, 0];
    tree = ledger.add({
      ...{ process: 2, group: 'g', cwd: '/server', pid: 11, startTicks: 100, asServer: true },
      ...{ auditSession: undefined, mark: 401, outputs: ['/fifo/3'] },
    });
    const rows: Row[] = [
      { pid: 11, owners },
      { pid: 20, session: 11, owners },
      { pid: 21, session: 10, owners },
      { pid: 22, mark: 401, owners },
      { pid: 23, folder: '/server', owners },
      { pid: 24, files: ['/fifo/3'], owners },
      { pid: 25, session: 11, startTicks: 99, owners },
    ];
    expect(inTree(...rows)).toEqual([11, 20]);
    expect(inGroup(...rows)).toEqual([11, 20]);
    // The number came round again, and is another's.
    expect(inTree({ pid: 11, startTicks: 101, owners })).toEqual([]);
    expect(inGroup({ pid: 23, folder: '/server' })).toEqual([]);
  });

  it.each([0, 1, 2])(
    'finds a setuid program that is still the step user’s by its user %i',
    (which) => {
      const owners = [0, 0, 0].map((uid, index) => (index === which ? STEP_UID : uid));
      expect(inTree({ pid: 20, mark: 400, owners })).toEqual([20]);
    },
  );

  it('finds what descends from a step whoever it runs as', () => {
    const rows = [
      { pid: 20, mark: 400 },
      { pid: 21, parentPid: 20, owners: [0, 0, 0] },
    ];
    expect(inTree(...rows)).toEqual([20, 21]);
  });

  /** Of a launcher that left only its mark 400, its variable, its FIFOs and the audit session 7. */
  const leftovers = (isExact: boolean, ...rows: Row[]): number[] =>
    pids(
      findLauncherLeftovers(snapshot(...rows), {
        startTicks: 100,
        auditSessions: new Set([7]),
        isExact,
        marks: new Set([400]),
        fifoFolder: '/fifo',
        trees: [],
        ownsGroup: (group) => group === 'g',
        stepUid: STEP_UID,
      }),
    );

  describe('where trees have audit sessions', () => {
    beforeEach(() => {
      ledger = new TreeLedger(STEP_UID);
      tree = ledger.add({
        process: 1,
        group: 'g',
        cwd: '/work/g',
        pid: 10,
        startTicks: 100,
        auditSession: 7,
        mark: 400,
        outputs: ['/fifo/1'],
      });
    });

    it('finds all that is in one, whatever it says or runs as', () => {
      const rows = [
        { pid: 20, auditSession: 7, group: 'other', mark: 999 },
        { pid: 21, auditSession: 7, owners: [0, 0, 0] },
      ];
      expect(inTree(...rows)).toEqual([20, 21]);
      expect(inGroup(...rows)).toEqual([20, 21]);
      expect(leftovers(true, ...rows)).toEqual([20, 21]);
    });

    it('finds nothing of another one, whatever that says about itself', () => {
      const rows = [
        { pid: 20, auditSession: 8, mark: 400 },
        { pid: 21, auditSession: 8, group: 'g', folder: '/work/g' },
        { pid: 22, auditSession: 8, files: ['/fifo/1'] },
        { pid: 23, session: 10, processGroup: 10 },
      ];
      expect(inTree(...rows)).toEqual([]);
      expect(inGroup(...rows)).toEqual([]);
      expect(leftovers(true, ...rows)).toEqual([]);
    });

    it('goes by the other rules too once a tree has none', () => {
      ledger.add({
        process: 2,
        group: 'g',
        cwd: '/work/g',
        pid: 11,
        startTicks: 100,
        auditSession: undefined,
        mark: 401,
        outputs: [],
      });
      expect(inGroup({ pid: 20, auditSession: 7 }, { pid: 21, mark: 401 })).toEqual([20, 21]);
      expect(leftovers(false, { pid: 20, auditSession: 7 }, { pid: 21, mark: 400 })).toEqual([
        20, 21,
      ]);
    });
  });

  it('does not take the pid of the leader, come round again, for the leader', () => {
    expect(inTree({ pid: 10, startTicks: 500 }, { pid: 11, session: 10 })).toEqual([]);
  });

  it('keeps the leftovers of a tree apart from the next one that has its mark', () => {
    tree.running = false;
    expect(ledger.idleMark('g')).toBe(400);
    const next = ledger.add({
      process: 2,
      group: 'g',
      cwd: '/work/g',
      pid: 40,
      startTicks: 200,
      auditSession: undefined,
      mark: 400,
      outputs: ['/fifo/1', '/fifo/3'],
    });
    expect(ledger.idleMark('g')).toBeUndefined();
    const rows = [
      { pid: 20, mark: 400, startTicks: 150 },
      { pid: 21, mark: 400, startTicks: 250, parentPid: 20 },
      { pid: 41, mark: 400, startTicks: 250 },
      { pid: 42, startTicks: 250, files: ['/fifo/1'] },
    ];
    expect(pids(findTree(snapshot(...rows), next, STEP_UID))).toEqual([41, 42]);
    expect(inTree(...rows)).toEqual([]);
    expect(inGroup(...rows)).toEqual([20, 21, 41, 42]);
    expect(ledger.remove('g')).toEqual([400]);
    expect(ledger.groups()).toEqual([]);
  });
});
