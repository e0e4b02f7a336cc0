import { artifact } from './artifact.fixture.js';
import { archivesOf } from './artifact-sources.js';
import { NoUpstreamError } from './no-upstream.error.js';

const at = (second: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, second));
const all = [
  artifact({ step: 'pack', attempt: 1, objectKey: 'old', createdAt: at(1) }),
  artifact({ step: 'pack', attempt: 2, objectKey: 'new', createdAt: at(3) }),
  artifact({ step: 'pack', attempt: 2, objectKey: 'new', path: 'b', createdAt: at(3) }),
  artifact({ step: 'docs', name: 'site', objectKey: 'docs', createdAt: at(2) }),
  artifact({ stage: 'test', step: 'unit', objectKey: 'log', createdAt: at(4) }),
  artifact({
    stage: 'test',
    step: 'unit',
    executionAttempt: 2,
    objectKey: 'log2',
    createdAt: at(5),
  }),
];
const keys = (...args: Parameters<typeof archivesOf>) =>
  archivesOf(...args).map(({ objectKey }) => objectKey);

describe('archivesOf', () => {
  it.each([
    [{ stage: 'build' }, ['docs', 'new']],
    [{ stage: 'build', step: 'pack' }, ['new']],
    [{ stage: 'build', name: 'site' }, ['docs']],
    [{ stage: 'test' }, ['log2']],
    [{ pipeline: 'lib', branch: 'main' }, ['docs', 'new', 'log2']],
  ])('%j', (source, found) => expect(keys(all, source)).toEqual(found));

  it('tells apart steps of one name in two cells', () => {
    const cells = ['20', '22'].map((cell) => artifact({ cell, objectKey: `of-${cell}` }));
    expect(keys(cells, { stage: 'build' }).sort()).toEqual(['of-20', 'of-22']);
  });

  it('says what there is none of', () => {
    expect(() => keys(all, { stage: 'deploy', name: 'x' })).toThrow(NoUpstreamError);
    expect(() => keys(all, { stage: 'deploy', name: 'x' })).toThrow('of stage deploy, name x');
  });
});
