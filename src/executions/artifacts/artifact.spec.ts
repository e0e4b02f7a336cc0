import { type Artifact, artifactId, lastArtifact } from './artifact.js';
import { artifact } from './artifact.fixture.js';

describe('the id of an artifact', () => {
  it('is in the order of the paths of an execution', () => {
    const paths = ['a', 'a/b', 'a/b/c', 'a0', 'b', 'ä'];
    const ids = paths.map((path) => artifactId(artifact({ path })));
    expect(ids.toSorted()).toEqual(ids);
  });

  it('differs where one part of its place does, and nowhere else', () => {
    const changes: Partial<Artifact>[] = [
      { stage: 'other' },
      { step: 'other' },
      { cell: 'os=linux' },
      { executionAttempt: 2 },
      { attempt: 2 },
      { path: 'other' },
      { executionId: 'other' },
      // Texts that are the same when they are joined.
      { stage: 'build,', step: 'pack' },
      { stage: 'build', step: ',pack' },
    ];
    const ids = changes.map((change) => artifactId(artifact(change)));
    expect(new Set([artifactId(artifact({})), ...ids]).size).toBe(changes.length + 1);
    expect(artifactId(artifact({ size: 9, createdAt: new Date() }))).toBe(artifactId(artifact({})));
  });

  it('has one length at most, and differs for long paths that begin alike', () => {
    const long = 'x/'.repeat(2_000);
    const ids = ['a', 'b'].map((end) => artifactId(artifact({ path: long + end })));
    expect(ids[0]).not.toBe(ids[1]);
    expect(ids[0]?.length).toBeLessThan(500);
  });

  it('is a text that every database takes, also where a character is cut', () => {
    const id = artifactId(artifact({ path: `${'x'.repeat(399)}😀` }));
    expect(id.isWellFormed()).toBe(true);
  });
});

describe('the artifact of a path', () => {
  const at = (seconds: number): Date => new Date(seconds * 1000);

  it.each<[string, Partial<Artifact>, Partial<Artifact>]>([
    [
      'the last attempt of the execution',
      { executionAttempt: 2, createdAt: at(1), attempt: 1 },
      { executionAttempt: 1, createdAt: at(9), attempt: 9 },
    ],
    ['what was kept last', { createdAt: at(2), attempt: 1 }, { createdAt: at(1), attempt: 2 }],
    ['the last attempt of the step', { attempt: 10 }, { attempt: 9 }],
  ])('is that of %s', (_what, winner, loser) => {
    const [first, second] = [artifact(winner), artifact(loser)];
    expect(lastArtifact([first, second])).toBe(first);
    expect(lastArtifact([second, first])).toBe(first);
  });

  it('is always the same one', () => {
    const both = ['one', 'two'].map((step) => artifact({ step }));
    expect(lastArtifact(both)).toBe(lastArtifact(both.toReversed()));
    expect(lastArtifact([])).toBeUndefined();
  });
});
