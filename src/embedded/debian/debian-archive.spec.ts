import {
  aptConfig,
  fetchError,
  inheritedSettings,
  isOutdated,
  mirrorCandidates,
} from './debian-archive.js';

describe('isOutdated', () => {
  const expired =
    'E: Release file for http://m/dists/forky/InRelease is expired (invalid since 18d 2h). Updates for this repository will not be applied.\n';

  it('is true when age is the only fault', () => {
    expect(isOutdated(expired)).toBe(true);
    expect(isOutdated('E: Release file for http://m is not valid yet (invalid for 3h).\n')).toBe(
      true,
    );
  });

  it('is false for a bad signature, alone or beside', () => {
    const unsigned = 'E: The repository http://m forky InRelease is not signed.\n';
    expect(isOutdated(unsigned)).toBe(false);
    expect(isOutdated(expired + unsigned)).toBe(false);
    expect(isOutdated('')).toBe(false);
  });
});

describe('mirrorCandidates', () => {
  it('asks the named mirror first, then those of this machine, each once', () => {
    const targets =
      'Debian-Security http://s/debian-security/\nDebian http://mirror/debian/\nDebian http://mirror/debian/\nOther http://x/\nDebian file:/srv/\n';
    expect(mirrorCandidates(targets, undefined)).toEqual(['http://mirror/debian']);
    expect(mirrorCandidates(targets, 'https://named/debian/')).toEqual([
      'https://named/debian',
      'http://mirror/debian',
    ]);
    expect(mirrorCandidates('', undefined)).toEqual([]);
  });

  it('knows a mirror by its path before the machine ever fetched an index', () => {
    const targets =
      ' http://mirror/debian/\n http://mirror/debian-security/\n http://mirror/ubuntu/\n';
    expect(mirrorCandidates(targets, '')).toEqual(['http://mirror/debian']);
  });
});

describe('aptConfig', () => {
  it('keeps the machine’s proxy and nothing else of its configuration', () => {
    const dump =
      'Acquire::http::Proxy "http://p:3128";\nAcquire::Check-Valid-Until "false";\nAcquire::https "";\nDPkg::Hook "x";\nAcquire::ForceIPv4 "true";\n';
    expect(inheritedSettings(dump)).toEqual([
      'Acquire::http::Proxy "http://p:3128";',
      'Acquire::ForceIPv4 "true";',
    ]);
  });

  it('checks dates unless an old index was refused before', () => {
    expect(aptConfig('/a', [], false)).not.toContain('Check-Valid-Until');
    expect(aptConfig('/a', [], true)).toContain('Acquire::Check-Valid-Until "false";');
  });
});

describe('fetchError', () => {
  const failure = (stderr: string): string =>
    fetchError('x', { code: 100, stdout: '', stderr }).code;

  it('names the cause', () => {
    expect(failure('E: Failed to fetch: No space left on device')).toBe('disk_full');
    expect(failure('E: Could not resolve host')).toBe('network_unreachable');
    expect(failure('E: Unable to locate package y')).toBe('fetch_failed');
  });
});
