import { objectKey } from '../../integrations/object-store/object-key.js';
import { artifact } from './artifact.fixture.js';
import { archivesOf } from './artifact-sources.js';
import { NoUpstreamError } from './no-upstream.error.js';

const at = (second: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, second));
const all = [
  artifact({ step: 'pack', attempt: 1, objectKey: objectKey('old'), createdAt: at(1) }),
  artifact({ step: 'pack', attempt: 2, objectKey: objectKey('new'), createdAt: at(3) }),
  artifact({ step: 'pack', attempt: 2, objectKey: objectKey('new'), path: 'b', createdAt: at(3) }),
  artifact({ step: 'docs', name: 'site', objectKey: objectKey('docs'), createdAt: at(2) }),
  artifact({ stage: 'test', step: 'unit', objectKey: objectKey('log'), createdAt: at(4) }),
  artifact({
    stage: 'test',
    step: 'unit',
    executionAttempt: 2,
    objectKey: objectKey('log2'),
    createdAt: at(5),
  }),
];
const keys = (...args: Parameters<typeof archivesOf>) =>
  archivesOf(...args).map((found) => found.objectKey);

describe('archivesOf', () => {
  it.each([
    [{ stage: 'build' }, ['docs', 'new']],
    [{ stage: 'build', step: 'pack' }, ['new']],
    [{ stage: 'build', name: 'site' }, ['docs']],
    [{ stage: 'test' }, ['log2']],
    [{ pipeline: 'lib', branch: 'main' }, ['docs', 'new', 'log2']],
  ])('%j', (source, found) => expect(keys(all, source)).toEqual(found));

  it('tells apart steps of one name in two cells', () => {
    const cells = ['20', '22'].map((cell) =>
      artifact({ cell, objectKey: objectKey(`of-${cell}`) }),
    );
    expect(keys(cells, { stage: 'build' }).sort()).toEqual(['of-20', 'of-22']);
  });

  it('says what there is none of', () => {
    expect(() => keys(all, { stage: 'deploy', name: 'x' })).toThrow(NoUpstreamError);
    expect(() => keys(all, { stage: 'deploy', name: 'x' })).toThrow('of stage deploy, name x');
  });
});
