import { buildError, isGoNewEnough } from './gateway-install.js';

describe('isGoNewEnough', () => {
  it.each([
    ['go version go1.26.8 linux/amd64', true],
    ['go version go1.25 linux/amd64', true],
    ['go version go1.24.9 linux/amd64', false],
    ['go version go1.9 linux/amd64', false],
    ['go version go2.0 linux/arm64', true],
    ['go version devel', false],
    ['', false],
  ])('%s: %s', (output, expected) => {
    expect(isGoNewEnough(output)).toBe(expected);
  });
});

describe('buildError', () => {
  it.each([
    ['write /x: no space left on device', 'disk_full'],
    ['dial tcp: lookup proxy.golang.org: no such host', 'network_unreachable'],
    ['x.go:1:1: undefined: y', 'build_failed'],
  ])('%s: %s', (stderr, code) => {
    expect(buildError(stderr).code).toBe(code);
  });
});
