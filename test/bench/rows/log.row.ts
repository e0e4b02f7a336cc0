import { MaskSet } from '../../../src/common/redaction/mask-set.js';
import { credentialForms } from '../../../src/common/url-credentials.js';
import { MemoryWatch } from '../memory-watch.js';
import { measureInTurns, ratio } from '../rounds.js';
import { atMost, type Row } from '../row.js';

const LINES = 200_000;
const secrets = ['alpha', 'bravo', 'charlie', 'delta'].map((name) => `${name}-3f9c27d1e8b604a5`);

/**
 * Lines of 100 bytes: a number, and words that begin as the secrets do. The last line holds a
 * secret.
 */
const filler = 'compiling module alpha-bravo 3f9c delta/charlie ok '.padEnd(92, '.');
const command = [
  `awk 'BEGIN {`,
  `  for (i = 100000; i < ${100_000 + LINES - 1}; i++) print i " ${filler}"`,
  `  print i " token ${secrets[3]}"`,
  `}'`,
].join('\n');

export const log: Row = {
  id: 'log',
  measure: async (rig, rounds) => {
    const forms = secrets.flatMap((password) => credentialForms({ username: 'bench', password }));
    const masks = MaskSet.from([...new Set(forms)]).size;
    const worker = new MemoryWatch(() => rig.workerPids());
    const redis = new MemoryWatch(() => rig.redisPids());
    const work = { commands: [command], parallel: 1, runs: 1, bare: `${command} > F`, secrets };
    const times = await measureInTurns(rig.subjects, work, rounds, {
      millrace: (repetition) => worker.during(() => redis.during(repetition)),
    });
    requireLines((await rig.millrace.newestLog()).trimEnd().split('\n'));
    return {
      work: `one step printing ${LINES} lines of 100 bytes by awk, ${masks} masks, live and stored`,
      times,
      goals: [
        atMost('ratio to sh', 4, ratio(times, 'millrace')),
        atMost('growth of the worker', 64, worker.growthMiB, ' MB'),
        atMost('growth of Redis', 16, redis.growthMiB, ' MB'),
      ],
    };
  },
};

/** @throws Error when a line is missing or a secret shows */
function requireLines(lines: readonly string[]): void {
  const wrong = lines.findIndex((line, index) => Number(line.slice(0, 6)) !== 100_000 + index);
  if (lines.length !== LINES || wrong !== -1) {
    throw new Error(`the log has ${lines.length} lines; line ${wrong + 1} is out of order`);
  }
  if (!lines.at(-1)?.endsWith('token ***')) throw new Error('a secret was not masked');
}
