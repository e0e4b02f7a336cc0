import { type PulledImage, unusedImages } from './unused-images.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOW = 1_000 * DAY_MS;

function image(id: string, idleMs: number, more: Partial<PulledImage> = {}): PulledImage {
  return { id, bytes: 10, usedAt: NOW - idleMs, hasContainer: false, ...more };
}

function removed(images: readonly PulledImage[], maxBytes: number): readonly string[] {
  return unusedImages(images, { days: 30, maxBytes }, NOW).map(
    ({ image: { id }, why }) => `${id}: ${why}`,
  );
}

describe('unusedImages', () => {
  it('takes what nobody used for so many days, however little it is', () => {
    const images = [image('new', 29 * DAY_MS), image('old', 30 * DAY_MS)];
    expect(removed(images, 1_000)).toEqual(['old: not used for 30 days']);
  });

  it('takes what was not used for longest until the rest fits', () => {
    const images = [
      image('second', 6 * HOUR_MS),
      image('last', 3 * HOUR_MS),
      image('first', 9 * HOUR_MS),
    ];
    expect(removed(images, 30)).toEqual([]);
    expect(removed(images, 29)).toEqual(['first: images take 30 of 29 bytes']);
    expect(removed(images, 10)).toEqual([
      'first: images take 30 of 10 bytes',
      'second: images take 20 of 10 bytes',
    ]);
  });

  it('counts what goes by its age before it looks at the size', () => {
    const images = [image('old', 31 * DAY_MS), image('one', 5 * HOUR_MS)];
    expect(removed(images, 10)).toEqual(['old: not used for 30 days']);
  });

  it('never takes what has a container, nor what was used of late', () => {
    const images = [
      image('running', 90 * DAY_MS, { hasContainer: true }),
      image('between-steps', 2 * HOUR_MS - 1),
      image('idle', 2 * HOUR_MS),
    ];
    expect(removed(images, 1)).toEqual(['idle: images take 30 of 1 bytes']);
  });

  it('takes nothing where nothing is too much', () => {
    expect(removed([], 1)).toEqual([]);
  });
});
