import { context } from './run-plan.fixture.js';
import { PLAIN_STATUS } from './run-scope.js';
import {
  EnvironmentError,
  isReservedVariable,
  mergeEnvironment,
  platformVariables,
} from './step-environment.js';
import type { EnvironmentSources } from './step-environment.js';

const merge = (sources: Partial<EnvironmentSources>): Record<string, string> =>
  mergeEnvironment({
    platform: { CI: 'true', CI_STEP: 'a' },
    levels: [],
    overrides: {},
    scope: (env) => ({
      trigger: {},
      env,
      inputs: {},
      matrix: {},
      pipeline: {},
      steps: () => ({ kind: 'unknown' }),
      stages: () => undefined,
      status: PLAIN_STATUS,
    }),
    ...sources,
  });

describe('environment', () => {
  it('is merged weakest first', () => {
    const levels: Record<string, string>[] = [
      { A: 'pipeline', B: 'pipeline', C: 'pipeline', D: 'pipeline' },
      { B: 'stage', C: 'stage', D: 'stage' },
      { C: 'step', D: 'step' },
    ];
    expect(merge({ levels, overrides: { D: 'trigger' } })).toEqual({
      CI: 'true',
      CI_STEP: 'a',
      A: 'pipeline',
      B: 'stage',
      C: 'step',
      D: 'trigger',
    });
  });

  it('shows a level what is outside it, and what the trigger says', () => {
    const levels: Record<string, string>[] = [
      { A: '1', HOST: 'dev', SELF: 'x${{ env.A }}' },
      { URL: 'https://${{ env.HOST }}/${{ env.CI_STEP }}', A: '${{ env.A }}2' },
      { A: '${{ env.A }}3' },
    ];
    expect(merge({ levels, overrides: { HOST: 'prod' } })).toMatchObject({
      SELF: 'x',
      URL: 'https://prod/a',
      A: '123',
      HOST: 'prod',
    });
  });

  it('takes the trigger by the letter', () => {
    expect(merge({ overrides: { A: '${{ env.CI }}' } })['A']).toBe('${{ env.CI }}');
  });

  it('lets nobody set what is reserved', () => {
    const levels = [{ CI: 'no', CI_STEP: 'no', CI_MINE: 'no', CITY: 'yes' }];
    expect(merge({ levels, overrides: { CI: 'no', CI_OTHER: 'no' } })).toEqual({
      CI: 'true',
      CI_STEP: 'a',
      CITY: 'yes',
    });
    expect(['CI', 'CI_X', 'CIX', 'ci'].map(isReservedVariable)).toEqual([true, true, false, false]);
  });

  it('refuses NUL, naming the variable', () => {
    expect(() => merge({ levels: [{ A: 'x\0' }] })).toThrow(EnvironmentError);
    expect(() => merge({ overrides: { A: 'x\0' } })).toThrow('the value of A holds');
  });

  it('sets only what is known', () => {
    expect(platformVariables(context(), {})).not.toHaveProperty('CI_BRANCH');
    expect(Object.keys(platformVariables(context(), { tag: 'v1' }))).not.toContain('CI_STEP');
    expect(platformVariables(context(), { tag: 'v1', branch: 'b', commit: 'c' })).toMatchObject({
      CI_TAG: 'v1',
      CI_BRANCH: 'b',
      CI_COMMIT: 'c',
    });
  });
});
