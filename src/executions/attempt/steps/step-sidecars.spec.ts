import {
  type StepAttempt,
  StepHandler,
  type StepOutcome,
} from '../../../engine/runtime/step-handler.js';
import { BesideSidecarsHandler, type EndedSidecar } from './step-sidecars.js';

const DB: EndedSidecar = { name: 'db', how: 'exit code 7', exitCode: 7, lastLines: ['bye'] };
const attempt: StepAttempt = {
  address: { stage: 's', step: 'x', attempt: 1 },
  ...{ action: { kind: 'shell' }, environment: {}, outputs: [] },
};

class Fixed extends StepHandler {
  readonly kind = 'shell';

  constructor(private readonly outcome: StepOutcome) {
    super();
  }

  async run(): Promise<StepOutcome> {
    return this.outcome;
  }
}

describe('BesideSidecarsHandler', () => {
  let told: string[];
  beforeEach(() => (told = []));

  const run = (outcome: StepOutcome, ended: readonly EndedSidecar[] = [DB]): Promise<StepOutcome> =>
    new BesideSidecarsHandler(
      new Fixed(outcome),
      { endedBeside: (stage) => (stage === 's' ? ended : []) },
      { systemLine: ({ step }, text) => told.push(`${step}: ${text}`) },
    ).run(attempt, new AbortController().signal, {
      begin: () => undefined,
      tell: () => undefined,
    });

  it('says of a step that failed which sidecar had ended, and how', async () => {
    expect(await run({ kind: 'failed', exitCode: 2 })).toEqual({
      ...{ kind: 'failed', exitCode: 2 },
      reason: {
        code: 'sidecar_ended',
        message: 'exit code 2; the sidecar "db" had ended by itself: exit code 7',
        data: { sidecar: 'db', exit_code: 7 },
      },
    });
    expect(told).toEqual(['x: The sidecar "db" had ended by itself: exit code 7.\ndb | bye']);
  });

  it('keeps the reason of a step that has one, and tells it all the same', async () => {
    const outcome = { kind: 'failed', reason: { code: 'timeout', message: 'm' } } as const;
    expect(await run(outcome)).toBe(outcome);
    const aborted = { kind: 'aborted', signal: 'SIGTERM' } as const;
    expect(await run(aborted)).toBe(aborted);
    expect(told).toHaveLength(2);
  });

  it('changes nothing of a step that passed, or beside sidecars that run', async () => {
    const passed = { kind: 'success', exitCode: 0 } as const;
    expect(await run(passed)).toBe(passed);
    const failed = { kind: 'failed', exitCode: 2 } as const;
    expect(await run(failed, [])).toBe(failed);
    expect(told).toEqual([]);
  });
});
