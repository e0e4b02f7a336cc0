import type { ProcessEntry } from './process-table.js';
import { TreeLedger, type LedgerTree } from './tree-ledger.js';
import { findGroup, findTree, ProcessSnapshot } from './tree-search.js';

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
  readonly owner?: number;
}

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
    owner: (pid) => row(pid)?.owner ?? 0,
  });
}

const pids = (entries: readonly ProcessEntry[]): number[] => entries.map(({ pid }) => pid).sort();

describe('the search for what belongs to a step', () => {
  let ledger: TreeLedger;
  let tree: LedgerTree;

  beforeEach(() => {
    ledger = new TreeLedger(65_000);
    tree = ledger.add({
      process: 1,
      group: 'g',
      cwd: '/work/g',
      pid: 10,
      startTicks: 100,
      mark: 400,
      outputs: ['/fifo/1', '/fifo/2'],
    });
  });

  const inGroup = (...rows: Row[]): number[] =>
    pids(findGroup(snapshot(...rows), ledger.trace('g')));
  const inTree = (...rows: Row[]): number[] => pids(findTree(snapshot(...rows), tree));

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
    ['has the mark but says that it is of another group', { pid: 20, mark: 400, group: 'other' }],
    ['has another mark', { pid: 20, mark: 401 }],
    ['stands in the folder but is not the step user’s', { pid: 20, folder: '/work/g' }],
    ['is the step user’s in another folder', { pid: 20, folder: '/work/g2', owner: 65_000 }],
  ])('leaves a process of the group alone that %s', (_, row) => {
    expect(inGroup(row)).toEqual([]);
  });

  it('finds what the step user runs in the folder', () => {
    expect(inGroup({ pid: 20, folder: '/work/g/sub', owner: 65_000 })).toEqual([20]);
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
    expect(pids(findTree(snapshot(...rows), next))).toEqual([41, 42]);
    expect(inTree(...rows)).toEqual([]);
    expect(inGroup(...rows)).toEqual([20, 21, 41, 42]);
    expect(ledger.remove('g')).toEqual([400]);
    expect(ledger.groups()).toEqual([]);
  });
});
