import { checkAttempt, chosenPlaces } from './log-places.js';

const ALL = [
  { stage: '', step: 'checkout', attempts: [1] },
  { stage: 'build', step: 'compile', attempts: [1] },
  { stage: 'test', step: 'unit', attempts: [1, 2, 3] },
  { stage: 'test', step: 'lint', attempts: [1] },
  { stage: 'always', step: 'report', attempts: [1] },
];
const SHOWN = 'The steps are: checkout, build/compile, test/unit, test/lint, always/report';

describe('what a log is asked for', () => {
  it.each([
    [{ step: 'checkout' }, { step: 'checkout' }],
    [{ step: 'unit' }, { step: 'unit' }],
    [{ step: 'test/unit' }, { stage: 'test', step: 'unit' }],
    [
      { step: 'test/unit', attempt: 2 },
      { stage: 'test', step: 'unit', attempt: 2 },
    ],
    [
      { stage: 'always', step: 'report' },
      { stage: 'always', step: 'report' },
    ],
    [{ stage: 'test' }, { stage: 'test' }],
  ])('is found: %j', (asked, expected) => {
    expect(chosenPlaces(ALL, asked)).toEqual(expected);
  });

  it.each([
    [{ step: 'typo' }, "There is no step 'typo'.", [SHOWN]],
    [{ step: 'unti' }, "There is no step 'unti'.", ['Did you mean unit?', SHOWN]],
    [
      { stage: 'test', step: 'compile' },
      "There is no step 'compile'.",
      ['The steps are: test/unit, test/lint'],
    ],
    [{ stage: 'x\u001b[2J' }, "There is no stage 'x'.", ['The stages are: build, test, always']],
  ])('is refused with the names there are: %j', (asked, message, suggestions) => {
    expect(() => chosenPlaces(ALL, asked)).toThrow(
      expect.objectContaining({ exitCode: 2, message, suggestions }),
    );
  });

  it('names twenty of many', () => {
    const many = Array.from({ length: 25 }, (_, index) => ({
      stage: 's',
      step: `step${index}`,
      attempts: [1],
    }));
    expect(() => chosenPlaces(many, { step: 'xyzzy' })).toThrow(
      expect.objectContaining({ suggestions: [expect.stringMatching(/s\/step19, and 5 more$/)] }),
    );
  });
});

describe('an attempt that a log is asked for', () => {
  it.each([
    [{ attempt: 3 }],
    [{ step: 'unit', attempt: 3 }],
    [{ stage: 'build', attempt: 1 }],
    [{ step: 'lint' }],
  ])('is there: %j', (asked) => {
    expect(() => checkAttempt(ALL, asked)).not.toThrow();
  });

  it.each([
    [{ attempt: 9 }, '9', 'The attempts are: 1, 2, 3'],
    [{ step: 'lint', attempt: 2 }, '2', 'The attempts are: 1'],
    [{ stage: 'build', attempt: 2 }, '2', 'The attempts are: 1'],
    [{ stage: 'none', attempt: 1 }, '1', 'There are no attempts.'],
  ])('is refused with those that there are: %j', (asked, number, there) => {
    expect(() => checkAttempt(ALL, asked)).toThrow(
      expect.objectContaining({
        exitCode: 2,
        message: `There is no attempt '${number}'.`,
        suggestions: [there],
      }),
    );
  });
});
