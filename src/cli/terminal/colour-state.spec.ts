import { colourChange, coloured, type ColourState, PLAIN } from './colour-state.js';

const CSI = '\u001b[';
const stateOf = (sgr: string): ColourState => coloured(PLAIN, `${CSI}${sgr}m`);

it.each([
  ['', '31', `${CSI}31m`],
  ['31', '', `${CSI}0m`],
  ['31', '32', `${CSI}32m`],
  ['31', '97', `${CSI}97m`],
  ['31', '1;31', `${CSI}1m`],
  ['1;31', '31', `${CSI}22m`],
  ['1;2', '1', `${CSI}22;1m`],
  ['1', '1;2', `${CSI}2m`],
  ['31;42', '42', `${CSI}39m`],
  ['38;5;200;1', '1', `${CSI}39m`],
  ['', '38;2;1;2;3;4', `${CSI}38;2;1;2;3;4m`],
  ['38:5:1', '38:5:2', `${CSI}38:5:2m`],
  ['4:3', '4:0', `${CSI}0m`],
  ['31', '31', ''],
  ['31', '32;0;31', ''],
  ['', '1;3;22;23', ''],
  ['', '999;12;26', ''],
  ['', `38:2:${'1'.repeat(40)}`, ''],
])('from %j to %j is %j', (before, after, change) => {
  expect(colourChange(stateOf(before), stateOf(after))).toBe(change);
});

it('keeps of any number of sequences one of each kind', () => {
  const state = Array.from({ length: 1_000 }, (_, at) => `${CSI}${at % 200};38;5;${at}m`).reduce(
    coloured,
    PLAIN,
  );
  expect(state.size).toBeLessThan(13);
});
