import { isFor } from './image-platform.js';

describe('isFor', () => {
  it.each([
    ['linux/amd64', 'linux/amd64', true],
    ['linux/arm64/v8', 'linux/arm64', true],
    ['linux/arm64/v8', 'linux/arm64/v7', false],
    ['linux/arm64', 'linux/arm', false],
    ['linux/amd64', 'linux/s390x', false],
  ])('%s is %s: %s', (platform, wanted, is) => {
    expect(isFor(platform, wanted, 'linux/amd64')).toBe(is);
  });

  it.each([
    ['linux/amd64', 'linux/amd64', true],
    ['linux/arm64/v8', 'linux/amd64', false],
    ['linux/386', 'linux/amd64', true],
    ['linux/amd64', 'linux/386', false],
    ['linux/arm/v7', 'linux/arm64', true],
    ['windows/amd64', 'linux/amd64', false],
    ['linux/', 'linux/amd64', true],
  ])('%s runs on %s where no platform was asked for: %s', (platform, engine, is) => {
    expect(isFor(platform, undefined, engine)).toBe(is);
  });
});
