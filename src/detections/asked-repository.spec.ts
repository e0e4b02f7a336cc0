import { MillraceError } from '../common/errors/millrace.error.js';
import { askedRepository } from './asked-repository.js';
import type { DetectRepositoryDto } from './dto/detect.dto.js';

const URL = 'https://git.test/acme/shop.git';
const connected = async (id: string): Promise<string> => `https://git.test/${id}.git`;
const ask = (body: DetectRepositoryDto, gitClient = 'git') =>
  askedRepository(body, { gitClient } as { gitClient: 'git' }, connected);

describe('the repository that a request asks for', () => {
  it('is a URL, or a connected one, with the commit in one form', async () => {
    expect(await ask({ repository: URL })).toEqual({ url: URL });
    expect(await ask({ repository_id: 'shop', branch: 'main', path: 'apps/web' })).toEqual({
      ...{ url: 'https://git.test/shop.git', branch: 'main', path: 'apps/web' },
    });
    expect(await ask({ repository: URL, tag: 'v1', commit: 'ABCDEF0', type: 'go' })).toEqual({
      ...{ url: URL, tag: 'v1', commit: 'abcdef0', type: 'go' },
    });
    expect(await ask({ repository: 'ssh://git@git.test/a.git' })).toMatchObject({
      url: 'ssh://git@git.test/a.git',
    });
  });

  it.each<[string, DetectRepositoryDto, string]>([
    ['none', {}, 'Exactly one'],
    ['two', { repository: URL, repository_id: 'shop' }, 'Exactly one'],
    ['a branch and a tag', { repository: URL, branch: 'a', tag: 'b' }, 'a branch or a tag'],
    ['a file of the server', { repository: 'file:///etc/hunter2' }, 'cannot be cloned'],
    ['a command', { repository: 'ext::sh -c hunter2' }, 'cannot be cloned'],
    ['a token', { repository: 'https://hunter2@git.test/a.git' }, 'cannot be cloned'],
    ['user and password', { repository: 'https://u:hunter2@git.test/a.git' }, 'cannot be cloned'],
    ['a query', { repository: `${URL}?token=hunter2` }, 'cannot be cloned'],
    [
      'an expression',
      { repository: 'https://git.test/${{ secrets.hunter2 }}' },
      'cannot be cloned',
    ],
  ])('is refused: %s', async (_what, body, message) => {
    const error: unknown = await ask(body).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(MillraceError);
    const { kind, message: said, details, suggestions } = error as MillraceError;
    expect([kind, said]).toEqual(['ValidationError', expect.stringContaining(message)]);
    expect(JSON.stringify([said, details, suggestions])).not.toContain('hunter2');
  });

  it('is refused by ssh where the git client knows none', async () => {
    const asked = ask({ repository: 'ssh://git@git.test/a.git' }, 'isomorphic-git');
    await expect(asked).rejects.toMatchObject({ kind: 'ValidationError' });
  });
});
