import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../../test/support/eventually.js';
import { standIn } from '../../../test/support/stand-in.js';
import { ScratchFolders } from '../../common/scratch/scratch-folders.js';
import { type CloneRequest, type GitClient, GitError } from '../../integrations/git/git-client.js';
import type { RepositoriesService } from '../../repositories/repositories.service.js';
import type { RepositoryDocument } from '../../repositories/repository.schema.js';
import { MissingKeyError } from '../../secrets/encryption/keyring.js';
import type { FolderDetector } from '../folder-detector.js';
import type { FolderRequest } from '../folder-request.js';
import { RepositoryDetector } from './repository-detector.js';

const URL = 'https://git.test/acme/shop.git';
const CONNECTED = 'https://x-access-token:hunter2@git.test/acme/shop.git';
const NEVER = new AbortController().signal;

describe('a worker that detects a repository', () => {
  let home: string;
  let cloned: CloneRequest[];
  let looked: FolderRequest[];
  let clone: () => Promise<void>;
  let credential: () => string;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'millrace-detector-'));
    [cloned, looked] = [[], []];
    clone = async () => undefined;
    credential = () => CONNECTED;
  });
  afterEach(() => rm(home, { recursive: true }));

  const detector = (isConnected: boolean): RepositoryDetector =>
    new RepositoryDetector(
      standIn<RepositoriesService>({
        withCloneUrl: async () => (isConnected ? ({} as RepositoryDocument) : undefined),
        cloneUrl: () => credential(),
      }),
      standIn<GitClient>({
        clone: async (request) => {
          cloned.push(request);
          await mkdir(request.directory);
          await clone();
          return { sha: '', message: '', author: '' };
        },
      }),
      standIn<FolderDetector>({
        detect: async (request) => {
          looked.push(request);
          return { kind: 'problem', problem: { code: 'too_complex', message: 'told' } };
        },
      }),
      new ScratchFolders(home),
    );
  const nothingLeft = (): Promise<unknown> =>
    eventually(async () => (await readdir(home)).length === 0 || undefined);

  it('clones one commit, looks at the folder, and leaves nothing', async () => {
    const request = { url: URL, tag: 'v1', path: 'apps/web', type: 'go' } as const;
    expect(await detector(false).detect(request, NEVER)).toMatchObject({
      problem: { message: 'told' },
    });
    const [{ directory, ...rest } = { directory: '' }] = cloned;
    expect(rest).toEqual({
      ...{ url: URL, tag: 'v1', depth: 1, lfs: false, ownCredentialsOnly: true },
    });
    expect(looked).toEqual([{ root: directory, path: 'apps/web', type: 'go' }]);
    await nothingLeft();
  });

  it('takes the credential of the connection for that very repository, by its scheme', async () => {
    await detector(true).detect({ url: URL }, NEVER);
    await detector(true).detect({ url: URL.replace('https', 'http') }, NEVER);
    credential = () => CONNECTED.replace('shop', 'other');
    await detector(true).detect({ url: URL }, NEVER);
    expect(cloned.map(({ url }) => url)).toEqual([CONNECTED, URL.replace('https', 'http'), URL]);
  });

  it('says why it cannot be cloned, and leaves nothing', async () => {
    clone = () => Promise.reject(new GitError('ref_not_found', 'There is no such branch.', false));
    expect(await detector(false).detect({ url: URL }, NEVER)).toEqual({
      kind: 'problem',
      problem: { code: 'git_ref_not_found', message: 'There is no such branch.' },
    });
    credential = () => {
      throw new MissingKeyError('k1');
    };
    expect(await detector(true).detect({ url: URL }, NEVER)).toMatchObject({
      problem: { code: 'credential_unreadable' },
    });
    clone = () => Promise.reject(new Error('a defect'));
    await expect(detector(false).detect({ url: URL }, NEVER)).rejects.toThrow('a defect');
    await nothingLeft();
  });
});
