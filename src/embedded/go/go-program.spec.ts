import { buildError, isGoNewEnough, type GoRecipe } from './go-program.js';

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
    expect(isGoNewEnough(output, [1, 25])).toBe(expected);
  });

  it('holds it against what the recipe asks for', () => {
    expect(isGoNewEnough('go version go1.25.4 linux/amd64', [1, 26])).toBe(false);
  });
});

const recipe: GoRecipe = {
  module: 'example.com/cmd/tool@v1.0.0',
  program: 'tool',
  title: 'the tool',
  oldestGo: [1, 25],
  takes: 'a minute',
  diskNeeded: '3 GB',
  otherwise: 'set MONGODB_URI',
};

describe('buildError', () => {
  it.each([
    ['write /x: no space left on device', 'disk_full', 'Free 3 GB and start again.'],
    [
      'dial tcp: lookup proxy.golang.org: no such host',
      'network_unreachable',
      'Check the network (GOPROXY and HTTPS_PROXY are honoured) and start again, or set MONGODB_URI.',
    ],
    [
      'x.go:1:1: undefined: y',
      'build_failed',
      'Start again; if it fails the same way, set MONGODB_URI.',
    ],
  ])('%s: %s', (stderr, code, advice) => {
    expect(buildError(recipe, stderr)).toMatchObject({ code, advice });
  });

  it('names no other way where there is none', () => {
    const advice = (stderr: string): string =>
      buildError({ ...recipe, otherwise: undefined }, stderr).advice;
    expect(advice('dial tcp')).toMatch(/honoured\) and start again\.$/);
    expect(advice('no such package')).toBe('Start again; disk and network are what it needs.');
  });
});
