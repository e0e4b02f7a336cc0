import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../../test/support/eventually.js';
import { standIn } from '../../../test/support/stand-in.js';
import { type GitClient, GitError, type GitErrorCode } from '../../integrations/git/git-client.js';
import { ScratchFolders } from '../../common/scratch/scratch-folders.js';
import type { RepositoriesService } from '../../repositories/repositories.service.js';
import type { RepositoryDocument } from '../../repositories/repository.schema.js';
import { GitHeads } from './git-heads.js';

describe('the heads of a forge whose API is not used', () => {
  let home: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'millrace-heads-'));
  });
  afterEach(() => rm(home, { recursive: true }));

  const source = (answer: () => Promise<ReadonlyMap<string, string>>): GitHeads =>
    new GitHeads(
      standIn<GitClient>({
        heads: ({ url }) => {
          expect(url).toBe('https://oauth2:token@gitlab.test/a/b.git');
          return answer();
        },
      }),
      standIn<RepositoriesService>({
        cloneUrl: () => 'https://oauth2:token@gitlab.test/a/b.git',
      }),
      new ScratchFolders(join(home, 'definitions')),
    );
  const repository = { api_url: '' } as RepositoryDocument;

  it('are asked by git, with its credential, and leave nothing behind', async () => {
    const heads = new Map([['main', 'a'.repeat(40)]]);
    const git = source(async () => heads);
    expect(git.isOf(repository)).toBe(true);
    expect(git.isOf({ ...repository, api_url: 'https://api.github.com' })).toBe(false);
    expect(await git.heads(repository)).toEqual(heads);
    expect(await git.redeliver()).toBe(0);
    await eventually(
      async () => (await readdir(join(home, 'definitions'))).length === 0 || undefined,
    );
  });

  it.each<[GitErrorCode, string]>([
    ['authentication_failed', 'unauthorized'],
    ['unreachable', 'unreachable'],
    ['timeout', 'unreachable'],
  ])('are not known: %s is %s', async (code, expected) => {
    const git = source(() => Promise.reject(new GitError(code, 'no', false)));
    await expect(git.heads(repository)).rejects.toMatchObject({ code: expected });
  });
});
