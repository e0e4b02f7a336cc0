import { EngineAwayError } from '../../integrations/container-runtime/container-runtime.js';
import { TargetAwayError } from '../targets/deploy-target.js';
import { AwayPatience } from './away-patience.js';

describe('AwayPatience', () => {
  const limits = { firstPauseMs: 1, longestPauseMs: 2, limitMs: 0 };
  const away = new TargetAwayError({ code: 'engine_away', message: 'nobody there' });
  const never = new AbortController().signal;

  it('asks again, tells it once, and ends with the reason when its time is over', async () => {
    const told: string[] = [];
    const tell = (line: string): number => told.push(line);
    const patient = new AwayPatience(tell, never, { ...limits, limitMs: 60_000 });
    const fails = (error: Error) => () => Promise.reject(error);
    expect(await patient.ask(fails(away))).toEqual({ kind: 'again' });
    expect(await patient.ask(fails(new EngineAwayError('gone')))).toEqual({ kind: 'again' });
    expect(await patient.ask(async () => 1)).toEqual({ kind: 'done', value: 1 });
    expect(told).toEqual(['it is tried again: nobody there']);
    const short = new AwayPatience(tell, never, limits);
    expect(await short.ask(fails(away))).toEqual({ kind: 'over', reason: away.reason });
  });

  it('waits for nothing else, and for nothing once it is stopped', async () => {
    const patient = new AwayPatience(() => undefined, never);
    await expect(patient.ask(() => Promise.reject(new Error('a defect')))).rejects.toThrow(
      'a defect',
    );
    const hour = { firstPauseMs: 3_600_000, longestPauseMs: 3_600_000, limitMs: 3_600_000 };
    const stopped = new AwayPatience(() => undefined, AbortSignal.abort(), hour);
    expect(await stopped.ask(() => Promise.reject(away))).toEqual({ kind: 'again' });
  });
});
