import { chosenPlaces } from './log-places.js';

const ALL = [
  { stage: '', step: 'checkout' },
  { stage: 'build', step: 'compile' },
  { stage: 'test', step: 'unit' },
  { stage: 'test', step: 'lint' },
  { stage: 'always', step: 'report' },
];
const SHOWN = 'The steps are: checkout, build/compile, test/unit, test/lint, always/report';

describe('what a log is asked for', () => {
  it.each([
    [{ step: 'checkout' }, { step: 'checkout' }],
    [{ step: 'unit' }, { step: 'unit' }],
    [{ step: 'test/unit' }, { stage: 'test', step: 'unit' }],
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
    const many = Array.from({ length: 25 }, (_, index) => ({ stage: 's', step: `step${index}` }));
    expect(() => chosenPlaces(many, { step: 'xyzzy' })).toThrow(
      expect.objectContaining({ suggestions: [expect.stringMatching(/s\/step19, and 5 more$/)] }),
    );
  });
});
