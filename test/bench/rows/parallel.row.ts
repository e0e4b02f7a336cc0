import { measureInTurns, ratio } from '../rounds.js';
import { atMost, type Row } from '../row.js';

const STEPS = 50;
const AT_ONCE = 8;

export const parallel: Row = {
  id: 'parallel',
  measure: async (rig, rounds) => {
    const commands = Array.from({ length: STEPS }, () => 'sleep 0.1');
    const bare = `seq ${STEPS} | xargs -P ${AT_ONCE} -n 1 sh -c 'sleep 0.1'`;
    const work = { commands, parallel: AT_ONCE, runs: 1, bare };
    const times = await measureInTurns(rig.subjects, work, rounds);
    return {
      work: `${STEPS} x sleep 0.1, ${AT_ONCE} at a time`,
      times,
      goals: [atMost('ratio to sh', 1.1, ratio(times, 'millrace'))],
    };
  },
};
