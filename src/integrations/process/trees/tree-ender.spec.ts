import type { ProcessEntry } from '../../../common/child-process/process-stat.js';
import type { SearchResult } from './process-search.js';
import { killUntilNone } from './tree-ender.js';

/** Numbers that no process has: nothing here is sent to any. */
const PID = 4_200_000;

describe('killUntilNone', () => {
  afterEach(() => jest.restoreAllMocks());

  it('counts what is gone with its group before it is killed by its own number', async () => {
    const gone = Object.assign(new Error('no such process'), { code: 'ESRCH' });
    const sent = jest.spyOn(process, 'kill').mockImplementation((pid) => {
      if (pid === -PID) return true;
      throw gone;
    });
    const ofGroup = (pid: number, processGroup: number): ProcessEntry => ({
      pid,
      parentPid: 1,
      processGroup,
      session: PID,
      startTicks: 1,
    });
    const searches: SearchResult[] = [
      // Of the second group nobody is there any more: somebody else has ended it.
      {
        found: [ofGroup(PID, PID), ofGroup(PID + 1, PID), ofGroup(PID + 2, PID + 2)],
        isComplete: false,
      },
      { found: [], isComplete: true },
    ];
    expect(await killUntilNone(() => searches.shift() as SearchResult)).toBe(2);
    expect(sent).toHaveBeenCalledWith(-PID, 'SIGKILL');
  });
});
