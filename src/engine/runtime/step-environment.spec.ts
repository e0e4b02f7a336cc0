import { valueOf } from '../../common/values/name-record.js';
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
      { A: '1', HOST: 'dev', SELF: 'x${{ env.SELF }}' },
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

  it('lets what is not reserved of the platform be replaced, and be read where it is', () => {
    const platform = { CI: 'true', CI_STEP: 'a', PATH: '/bin', CI_OUTPUT: '/o' };
    const levels: Record<string, string>[] = [
      { PATH: '/opt:${{ env.PATH }}', CI_OUTPUT: '/evil' },
      { PATH: '/stage:${{ env.PATH }}', OUT: '${{ env.CI_OUTPUT }}' },
    ];
    expect(merge({ platform, levels })).toEqual({
      CI: 'true',
      CI_STEP: 'a',
      CI_OUTPUT: '/o',
      PATH: '/stage:/opt:/bin',
      OUT: '/o',
    });
    expect(merge({ platform, levels, overrides: { PATH: '/t' } })['PATH']).toBe('/t');
  });

  it('lets a text read others of its map, in any order; the trigger wins there too', () => {
    const levels: Record<string, string>[] = [
      { HOST: 'outer', NAME: 'outer' },
      {
        URL: "${{ env.SCHEME }}://${{ env['HOST'] }}",
        HOST: '${{ env.NAME }}.${{ env.HOST }}',
        SCHEME: 'https',
        NAME: 'api',
      },
    ];
    expect(merge({ levels })).toMatchObject({ URL: 'https://api.outer', HOST: 'api.outer' });
    expect(merge({ levels, overrides: { HOST: 'here' } })['URL']).toBe('https://here');
  });

  it('keeps names of objects apart from objects', () => {
    const levels: Record<string, string>[] = [
      { A: '${{ env.constructor }}', constructor: '${{ env.toString }}x' },
    ];
    const merged = merge({ levels });
    expect([merged['A'], valueOf(merged, 'constructor')]).toEqual(['x', 'x']);
  });

  it('looks a name that only the run knows up outside the map', () => {
    const levels: Record<string, string>[] = [
      { A: 'out' },
      { A: 'in', PICK: 'A', B: '${{ env[env.PICK] }}' },
    ];
    expect(merge({ levels })['B']).toBe('out');
  });

  it('refuses more than a process can be given, before it is in memory', () => {
    const wide = Object.fromEntries(
      Array.from({ length: 70 }, (_, n) => [`B${n}`, '${{ env.BIG }}']),
    );
    expect(() => merge({ levels: [wide], overrides: { BIG: 'x'.repeat(100_000) } })).toThrow(
      expect.objectContaining({ code: 'environment_too_large' }),
    );
  });

  it('refuses a circle, naming its members', () => {
    const levels: Record<string, string>[] = [
      { A: '${{ env.B }}', B: '${{ env.C }}', C: '${{ env.B }}' },
    ];
    expect(() => merge({ levels })).toThrow('in a circle: B -> C -> B');
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
