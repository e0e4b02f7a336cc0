import { Logger } from '@nestjs/common';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { eventually } from '../../../test/support/eventually.js';
import { standIn } from '../../../test/support/stand-in.js';
import { BLANK_EVENT, type ForgeEvent } from '../../integrations/forge/forge-event.js';
import {
  type ChangesRequest,
  type GitClient,
  GitError,
} from '../../integrations/git/git-client.js';
import { ScratchFolders } from '../../common/scratch/scratch-folders.js';
import { ChangedFiles } from './changed-files.js';

const URL = 'https://forge.test/acme/shop.git';
const [A, B] = ['a'.repeat(40), 'b'.repeat(40)] as const;

describe('the files that an event changed', () => {
  beforeAll(() => {
    Logger.overrideLogger(false);
  });

  let home: string;
  let asked: Partial<ChangesRequest>[];
  let answer: () => Promise<readonly string[]>;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'millrace-changes-'));
    asked = [];
    answer = async () => ['a.txt'];
  });
  afterEach(() => rm(home, { recursive: true }));

  const nothingIsLeft = (): Promise<unknown> =>
    eventually(async () => (await readdir(join(home, 'definitions'))).length === 0 || undefined);
  const of = (change: Partial<ForgeEvent>): Promise<unknown> => {
    const git = standIn<GitClient>({
      changedPaths: ({ directory, ...request }) => {
        expect(existsSync(dirname(directory))).toBe(true);
        asked.push(request);
        return answer();
      },
    });
    const event: ForgeEvent = { ...BLANK_EVENT, kind: 'push', before: A, commit: B, ...change };
    return new ChangedFiles(git, new ScratchFolders(join(home, 'definitions'))).of(URL, event);
  };
  const base = { branch: 'main', commit: A, repositoryId: '1', cloneUrl: null };

  it('are those of the payload where that tells them', async () => {
    expect(await of({ changedPaths: ['b.txt'] })).toEqual(['b.txt']);
    expect(asked).toEqual([]);
  });

  it('are asked of the repository: of a push from before, of a pull request from its base', async () => {
    expect(await of({})).toEqual(['a.txt']);
    expect(await of({ kind: 'pull_request', before: null, base })).toEqual(['a.txt']);
    expect(asked).toEqual([
      { url: URL, base: A, head: B, fromMergeBase: false },
      { url: URL, base: A, head: B, fromMergeBase: true },
    ]);
    await nothingIsLeft();
  });

  it.each<[string, Partial<ForgeEvent>]>([
    ['the branch is new', { before: null }],
    ['there is no commit', { commit: null }],
    ['a tag changes no files', { kind: 'tag', branch: null, tag: 'v1' }],
    ['the commit of the base branch is not known', { kind: 'pull_request' }],
  ])('nobody can tell: %s', async (unknown, change) => {
    expect(await of(change)).toEqual({ unknown });
    expect(asked).toEqual([]);
  });

  it('nobody can tell where the repository does not, and nothing is left behind', async () => {
    answer = () => Promise.reject(new GitError('ref_not_found', 'no such commit', false));
    expect(await of({})).toEqual({ unknown: 'no such commit' });
    await nothingIsLeft();
  });
});
