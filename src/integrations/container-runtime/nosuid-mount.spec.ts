import { mountOptions } from './nosuid-mount.js';

const INFO = [
  '21 1 8:1 / / rw,relatime - ext4 /dev/sda rw',
  '22 21 8:1 /home /home rw,nosuid,nodev - ext4 /dev/sda rw',
  '23 21 8:1 /w /data/w\\040x rw,nosuid,nodev,relatime - ext4 /dev/sda rw',
  '24 21 8:1 /w /data/w\\040x rw,relatime - ext4 /dev/sda rw',
].join('\n');

describe('mountOptions', () => {
  it.each([
    ['/home/a', true],
    ['/home', true],
    ['/homes', false],
    ['/', false],
    ['/data', false],
  ])('of %s: nosuid %s', (path, isNosuid) => {
    expect(mountOptions(INFO, path).has('nosuid')).toBe(isNosuid);
  });

  it('takes the later of two mounts at one place, whose name has a blank', () => {
    expect(mountOptions(INFO, '/data/w x/y').has('nosuid')).toBe(false);
    const first = INFO.split('\n').slice(0, 3).join('\n');
    expect(mountOptions(first, '/data/w x/y').has('nosuid')).toBe(true);
  });
});
