import { measureInTurns, median } from '../rounds.js';
import { atMost, type Row } from '../row.js';

export const coldStart: Row = {
  id: 'cold-start',
  measure: async (rig, rounds) => {
    const work = { commands: [':'], parallel: 1, runs: 1, bare: ':' };
    const times = await measureInTurns(rig.coldStarts, work, rounds);
    return {
      work: 'cold start to first accepted trigger, services up',
      times,
      goals: [atMost('start', 1, median(times.millrace) / 1000, ' s')],
    };
  },
};
