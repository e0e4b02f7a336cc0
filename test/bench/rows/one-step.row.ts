import { measureInTurns, ratio } from '../rounds.js';
import { atMost, type Row } from '../row.js';

export const oneStep: Row = {
  id: 'one-step',
  measure: async (rig, rounds) => {
    const work = { commands: [':'], parallel: 1, runs: 1, bare: 'echo x >> F' };
    const times = await measureInTurns(rig.subjects, work, rounds * 4);
    return {
      work: 'one no-op step, trigger to finished',
      times,
      goals: [atMost('ratio to sh', 6, ratio(times, 'millrace'))],
    };
  },
};
