import { constants } from 'node:os';
import { exitCodeOfSignal, signalName } from './signals.js';

describe('names of signals', () => {
  it('are those of the system', () => {
    const ofSystem = Object.entries(constants.signals).filter(
      ([name]) => name !== 'SIGIOT' && name !== 'SIGPOLL' && name !== 'SIGUNUSED',
    );
    expect(ofSystem.map(([, number]) => signalName(number))).toEqual(
      ofSystem.map(([name]) => name),
    );
  });

  it('lead back to 128 and the number, for every signal', () => {
    for (let number = 1; number <= 64; number += 1) {
      expect(exitCodeOfSignal(signalName(number))).toBe(128 + number);
    }
    expect(signalName(40)).toBe('SIGRTMIN+6');
    expect(exitCodeOfSignal('unknown')).toBeUndefined();
  });
});
