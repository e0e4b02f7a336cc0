import { measureInTurns, ratio } from '../rounds.js';
import { atMost, type Row } from '../row.js';

export const parallel: Row = {
  id: 'parallel',
  measure: async (rig, rounds) => {
    const commands = Array.from({ length: 50 }, () => 'sleep 0.1');
    const times = await measureInTurns(rig.subjects, { commands, parallel: 8, runs: 1 }, rounds);
    return {
      work: '50 x sleep 0.1, 8 at a time',
      times,
      goals: [atMost('ratio to sh', 1.15, ratio(times, 'millrace'))],
    };
  },
};
