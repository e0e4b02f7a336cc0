import { measureInTurns, median, ratio } from '../rounds.js';
import { atMost, type Row } from '../row.js';

const STEPS = 50;

export const sequential: Row = {
  id: 'sequential',
  measure: async (rig, rounds) => {
    const commands = Array.from({ length: STEPS }, (_, index) => `echo step ${index}`);
    const bare = commands.map((command) => `sh -c '${command} >> F'`).join('\n');
    const times = await measureInTurns(
      rig.subjects,
      { commands, parallel: 1, runs: 1, bare },
      rounds,
    );
    return {
      work: `${STEPS} sequential steps, each with status and log`,
      times,
      goals: [
        atMost('ratio to sh', 3, ratio(times, 'millrace')),
        atMost('a step', 4, median(times.millrace) / STEPS, ' ms'),
      ],
    };
  },
};
