import { detectProject } from '../../detection/detect-project.js';
import { detectionView } from '../../detection/detection-view.js';
import { MemoryTree } from '../../detection/tree/memory-tree.fixture.js';
import { detectionProblem } from '../detection-problem.js';
import type { FolderRequest } from '../folder-request.js';
import { DetectedHints } from './detected-hints.js';

type Files = Readonly<Record<string, string>>;

const NEVER = new AbortController().signal;
const HEALTH = 'HEALTHCHECK CMD curl -fsS http://localhost:3000/health || exit 1';

const hintsOf = (files: Files): DetectedHints =>
  new DetectedHints({
    detect: async ({ path }: FolderRequest) => ({
      kind: 'detection' as const,
      detection: detectionView(
        await detectProject(new MemoryTree(files), path === undefined ? {} : { folder: path }),
      ),
    }),
  });
const dockerfile = (text: string, more: Files = {}): Promise<unknown> =>
  hintsOf({ 'api/Dockerfile': text, ...more }).dockerfile('/root', 'api', NEVER);
const output = (files: Files): Promise<unknown> => hintsOf(files).output('/root', NEVER);

describe('DetectedHints', () => {
  it('reads of a Dockerfile its port and health path, with their lines', async () => {
    const text = `FROM node:24\nRUN npm ci\nEXPOSE 3000\n${HEALTH}\nCMD ["node", "."]\n`;
    const found = {
      ...{ kind: 'found', name: 'Dockerfile' },
      port: { value: '3000', from: 'api/Dockerfile:3' },
      healthPath: { value: '/health', from: 'api/Dockerfile:4' },
    };
    expect(await dockerfile(text)).toEqual(found);
    // It counts also where another candidate is what the project is.
    const server = '{ "scripts": { "start": "x" }, "dependencies": { "express": "5" } }';
    expect(await dockerfile(text, { 'api/package.json': server })).toEqual(found);
  });

  it.each([
    ['several ports', 'FROM a\nEXPOSE 80 443\n'],
    ['no port', 'FROM a\n'],
    ['a port of another stage', 'FROM a\nEXPOSE 80\nFROM b\n'],
    ['a port that is computed', 'FROM a\nEXPOSE $PORT\n'],
  ])('takes none of %s', async (_what, text) => {
    expect(await dockerfile(text)).toEqual({ kind: 'found', name: 'Dockerfile' });
  });

  it.each([
    ['a variable in its URL', 'HEALTHCHECK CMD curl -f http://localhost:$PORT/health'],
    ['a variable in its path', 'HEALTHCHECK CMD curl -f http://localhost:3000/$NAME'],
    ['another port', 'HEALTHCHECK CMD curl -f http://localhost:9000/health'],
    ['any status', 'HEALTHCHECK CMD curl http://localhost:3000/health'],
    ['HTTPS', 'HEALTHCHECK CMD curl -f https://localhost:3000/health'],
    ['another host', 'HEALTHCHECK CMD curl -f http://db:3000/health'],
  ])('takes no health path of a HEALTHCHECK with %s', async (_what, check) => {
    expect(await dockerfile(`FROM a\nEXPOSE 3000\n${check}\n`)).toEqual({
      ...{ kind: 'found', name: 'Dockerfile' },
      port: { value: '3000', from: 'api/Dockerfile:2' },
    });
  });

  it.each([
    'CMD ["curl", "-f", "http://localhost:3000/health"]',
    'CMD wget -q --spider http://127.0.0.1:3000/health || exit 1',
    'CMD curl --fail http://localhost:3000/health',
  ])('takes that of HEALTHCHECK %s', async (check) => {
    expect(await dockerfile(`FROM a\nEXPOSE 3000\nHEALTHCHECK ${check}\n`)).toMatchObject({
      healthPath: { value: '/health', from: 'api/Dockerfile:3' },
    });
  });

  it('says what it has looked for', async () => {
    const why = (answer: unknown) => expect(answer).toMatchObject({ kind: 'unknown' });
    why(await hintsOf({ 'a.txt': '' }).dockerfile('/root', '', NEVER));
    why(await dockerfile('RUN x\n'));
    expect(await hintsOf({ Containerfile: 'FROM a' }).dockerfile('/root', '', NEVER)).toEqual({
      ...{ kind: 'found', name: 'Containerfile' },
    });
  });

  it('knows the folder of a finished site', async () => {
    expect(await output({ 'public/index.html': '' })).toEqual({
      ...{ kind: 'found', folder: 'public', from: 'public/index.html' },
    });
    expect(await output({ 'index.html': '' })).toMatchObject({ folder: '.' });
  });

  it.each<[string, Files, string]>([
    ['nothing', { 'a.txt': '' }, 'No file hints at a type of project.'],
    [
      'what a tool does by itself',
      { 'package.json': '{ "devDependencies": { "vite": "7" } }', 'index.html': '' },
      'it may be "dist", but no file says so.',
    ],
    [
      'several folders',
      { 'index.html': '', 'dist/index.html': '' },
      'each of these: "." (index.html), "dist" (dist/index.html).',
    ],
    [
      'several projects',
      { 'web/package.json': '{ "dependencies": { "next": "16" } }', 'api/go.mod': 'module a\n' },
      'choose a folder',
    ],
    [
      'a program',
      { 'package.json': '{ "scripts": { "start": "x" }, "dependencies": { "express": "5" } }' },
      '',
    ],
  ])('guesses no folder of %s', async (_what, files, why) => {
    expect(await output(files)).toEqual({
      ...{ kind: 'unknown', why: expect.stringContaining(why) as string },
    });
  });

  it('says why the files cannot be read', async () => {
    const hints = new DetectedHints({
      detect: () => Promise.resolve(detectionProblem('too_complex', 'Too much.')),
    });
    const problem = { kind: 'unknown', why: 'Too much.' };
    expect(await hints.output('/root', NEVER)).toEqual(problem);
    expect(await hints.dockerfile('/root', '', NEVER)).toEqual(problem);
  });
});
