import { isForgotten, isGone, LABELS, ownerLabel } from './docker-labels.js';

const HOUR_MS = 3_600_000;

describe('the label of a process', () => {
  const own = ownerLabel(process.pid);

  it('is gone when this boot of this machine knows the process no longer', () => {
    expect(isGone(own)).toBe(false);
    expect(isGone(own.replace(/\d+$/, '1'))).toBe(true);
  });

  it.each([
    ['another machine, or boot', own.replace(/^[0-9a-f]+/, 'other')],
    ['another container', own.replace(/^([^:]+):\d+/, '$1:1')],
    ['nobody', ''],
  ])('of %s is never gone: nobody here can tell', (_whose, label) => {
    expect(isGone(label.replace(/\d+$/, '1'))).toBe(false);
  });
});

describe('isForgotten', () => {
  it('is what belongs to no attempt, and has been there for more than an hour', () => {
    expect(isForgotten({}, HOUR_MS + 1)).toBe(true);
    expect(isForgotten({}, HOUR_MS)).toBe(false);
    expect(isForgotten({ [LABELS.group]: 'g' }, 100 * HOUR_MS)).toBe(false);
  });
});
