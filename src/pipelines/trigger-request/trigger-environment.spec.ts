import { MillraceError } from '../../common/errors/millrace.error.js';
import { triggerEnvironment } from './trigger-environment.js';

describe('triggerEnvironment', () => {
  it('takes texts, numbers and booleans as texts', () => {
    expect(triggerEnvironment({ A: 'x', _b2: 3, C: false })).toEqual({
      A: 'x',
      _b2: '3',
      C: 'false',
    });
  });

  it('tells all problems at once', () => {
    const given = { 'A-B': '1', CI_COMMIT: 'x', LIST: [1], NUL: 'a\0b', LONG: 'x'.repeat(131_067) };
    const refused = (): unknown => triggerEnvironment(given);
    expect(refused).toThrow(MillraceError);
    expect(refused).toThrow(
      expect.objectContaining({
        kind: 'ValidationError',
        details: [
          expect.objectContaining({ code: 'name' }),
          expect.objectContaining({ code: 'reserved' }),
          expect.objectContaining({ code: 'type' }),
          expect.objectContaining({ code: 'character' }),
          expect.objectContaining({ code: 'too_long' }),
        ],
      }),
    );
  });

  it('cannot be used to reach a prototype', () => {
    const given = JSON.parse('{"__proto__": "x"}') as Record<string, unknown>;
    const variables = triggerEnvironment(given);
    expect(Object.getPrototypeOf(variables)).toBeNull();
    expect(Object.keys(variables)).toEqual(['__proto__']);
  });
});
