import { detectProject } from '../../detection/detect-project.js';
import { detectionView } from '../../detection/detection-view.js';
import { MemoryTree } from '../../detection/tree/memory-tree.fixture.js';
import { detectionProblem } from '../detection-problem.js';
import type { FolderRequest } from '../folder-request.js';
import { DetectedStarts } from './detected-starts.js';

const NEVER = new AbortController().signal;
const EXPRESS = '"dependencies": { "express": "5" }';

const startOf = (files: Readonly<Record<string, string>>, folder = ''): Promise<unknown> => {
  const detect = async ({ path }: FolderRequest) => ({
    kind: 'detection' as const,
    detection: detectionView(
      await detectProject(new MemoryTree(files), path === undefined ? {} : { folder: path }),
    ),
  });
  return new DetectedStarts({ detect }).find('/root', folder, NEVER);
};

describe('DetectedStarts', () => {
  it.each<[string, Readonly<Record<string, string>>, string, string, string]>([
    [
      'a Procfile',
      { Procfile: 'web: node a.js\n', 'package.json': '{}' },
      '',
      'node a.js',
      'Procfile',
    ],
    [
      ...(['a script', { 'package.json': `{ "scripts": { "start": "x" }, ${EXPRESS} }` }] as const),
      ...(['', 'npm start', 'package.json'] as const),
    ],
    [
      ...(['a folder', { 'api/Procfile': 'web: ./api\n', 'api/package.json': '{}' }] as const),
      ...(['api', './api', 'Procfile'] as const),
    ],
  ])('takes what one file says: %s', async (_what, files, folder, command, file) => {
    expect(await startOf(files, folder)).toEqual({ kind: 'found', command, file, line: 1 });
  });

  it.each<[string, Readonly<Record<string, string>>, string]>([
    ['nothing', { 'readme.md': 'x' }, 'No file hints at a type of project.'],
    [
      'a library',
      { 'package.json': '{ "name": "x", "exports": "./x.js" }' },
      'A library is never started.',
    ],
    [
      'what the tool does by itself',
      { 'package.json': '{ "dependencies": { "next": "16" } }' },
      'but no file says so.',
    ],
  ])('guesses nothing: %s', async (_what, files, why) => {
    expect(await startOf(files)).toEqual({
      ...{ kind: 'unknown', why: expect.stringContaining(why) as string },
    });
  });

  it('takes nothing that is no part of the release', async () => {
    const detect = async () => {
      const files = { Procfile: 'web: node a.js\n', 'package.json': '{}' };
      const detection = detectionView(await detectProject(new MemoryTree(files)));
      return { kind: 'detection' as const, detection };
    };
    expect(await new DetectedStarts({ detect }).find('/root', 'api', NEVER)).toEqual({
      ...{ kind: 'unknown', why: 'Procfile says it, and is no part of the release.' },
    });
  });

  it('says why the files cannot be read', async () => {
    const detect = () => Promise.resolve(detectionProblem('too_complex', 'Too much.'));
    expect(await new DetectedStarts({ detect }).find('/root', '', NEVER)).toEqual({
      ...{ kind: 'unknown', why: 'Too much.' },
    });
  });
});
