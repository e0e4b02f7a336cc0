import { measureInTurns, median, ratio } from '../rounds.js';
import { atLeast, atMost, type Row } from '../row.js';

const RUNS = 200;

export const burst: Row = {
  id: 'burst',
  measure: async (rig, rounds) => {
    const bare = `seq ${RUNS} | xargs -P 8 -n 1 sh -c 'echo x >> F'`;
    const work = { commands: [':'], parallel: 1, runs: RUNS, bare };
    const times = await measureInTurns(rig.subjects, work, rounds);
    const perSecond = (RUNS * 1000) / median(times.millrace);
    return {
      work: `${RUNS} one-step runs at once, two workers`,
      times,
      goals: [
        atMost('ratio to sh', 9, ratio(times, 'millrace')),
        atLeast('runs/s', 200, perSecond),
        // A missing one would have ended the bench: see MillraceSubject.
        { what: 'lost', wanted: '0', measured: '0', met: true },
      ],
    };
  },
};
