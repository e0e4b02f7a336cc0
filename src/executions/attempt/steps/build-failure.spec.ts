import { buildFailure, OutputTail } from './build-failure.js';

const reasonOf = (...lines: readonly string[]) => {
  const outcome = buildFailure(1, lines, (name) => name === 'docker.io/library/own:1');
  return 'reason' in outcome ? { kind: outcome.kind, ...outcome.reason } : outcome;
};

describe('buildFailure', () => {
  it('names the error and the instruction', () => {
    expect(
      reasonOf(
        '#6 ERROR: executor failed running [/bin/sh -c make]: exit code: 2',
        '------',
        ' > [2/3] RUN make:',
        '#6 0.2 make: nothing to do',
        '------',
        'executor failed running [/bin/sh -c make]: exit code: 2',
      ),
    ).toEqual({
      kind: 'failed',
      code: 'build_failed',
      message: 'executor failed running [/bin/sh -c make]: exit code: 2',
      data: { instruction: 'RUN make', exit_code: 1 },
    });
    expect(reasonOf('STEP 2/2: RUN false', 'Error: building at STEP "RUN false": exit status 1'))
      // Podman.
      .toMatchObject({
        message: 'building at STEP "RUN false": exit status 1',
        data: { instruction: 'RUN false' },
      });
  });

  const metadata = ' > [internal] load metadata for r.example/x:1:';
  it.each([
    [
      'image_unauthorized',
      'failed to solve: pulling from host r failed with status code [manifests 1]: 401 Unauthorized',
    ],
    [
      'image_unauthorized',
      'failed to solve: pull access denied, repository does not exist or may require authorization',
    ],
    [
      'image_missing',
      'failed to solve with frontend dockerfile.v0: failed to create LLB definition: r/x:1: not found',
    ],
    [
      'image_missing',
      'ERROR: failed to solve: r/x:1: failed to resolve source metadata for r/x:1: r/x:1: not found',
    ],
    ['image_platform', 'failed to solve: no match for platform in manifest sha256:1: not found'],
    ['build_failed', 'failed to solve: dockerfile parse error line 2: unknown instruction: X'],
  ])('tells %s by what the builder says', (code, said) => {
    expect(reasonOf(metadata, '------', said)).toMatchObject({ kind: 'failed', code });
  });

  it.each([
    [' > [internal] load metadata for docker.io/library/own:1:', 'failed to solve: no such host'],
    [' > [internal] load metadata for docker.io/library/own:1:', 'ERROR: pull access denied'],
    ['STEP 1/2: FROM own:1', 'Error: creating build container: short-name "own:1" did not resolve'],
    ['STEP 1/2: FROM --platform=linux/arm64 docker.io/own:1 AS a', 'Error: manifest unknown'],
  ])('says that what was only built is no base: %s', (place, said) => {
    const found = reasonOf(place, '------', said);
    expect(found).toMatchObject({
      ...{ kind: 'failed', code: 'image_missing', data: { image: 'docker.io/library/own:1' } },
      message: expect.stringMatching(/this execution built .*push it first/) as unknown,
    });
    const other = reasonOf(place.replace('own', 'others'), '------', said);
    expect(other).not.toMatchObject({ message: expect.stringContaining('built') as unknown });
  });

  it('does not take what an instruction prints for what an image lacks', () => {
    const lines = [
      ' > [2/2] RUN npm ci:',
      '#7 401 Unauthorized',
      'failed to solve: 401 Unauthorized',
    ];
    expect(reasonOf(...lines)).toMatchObject({ code: 'build_failed' });
  });

  it('does not blame the step for an engine that is away', () => {
    const said = 'ERROR: Cannot connect to the Docker daemon at unix:///x. Is it running?';
    expect(reasonOf(said)).toMatchObject({ kind: 'infrastructure', code: 'engine_away' });
  });

  it('says something where the builder said nothing, and never much', () => {
    expect(reasonOf()).toMatchObject({ message: 'the builder ended with exit code 1' });
    const { message } = reasonOf(`error ${'x'.repeat(9_000)}`) as { message: string };
    expect(message).toHaveLength(500);
  });
});

describe('OutputTail', () => {
  it('keeps the last lines, however they are cut', () => {
    const tail = new OutputTail();
    for (const piece of ['one\ntw', 'o\r\n\nth', 'ree']) tail.push(Buffer.from(piece));
    expect(tail.lines).toEqual(['one', 'two', 'three']);
    tail.push(Buffer.from(`${'x'.repeat(20_000)}\nlast`));
    expect(tail.lines.at(-1)).toBe('last');
    expect(tail.lines.join('').length).toBeLessThan(16_385);
  });
});
