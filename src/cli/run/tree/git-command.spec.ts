import { tmpdir } from 'node:os';
import { askGit } from './git-command.js';

describe('askGit', () => {
  const environmentOf = async (environment: NodeJS.ProcessEnv): Promise<string[]> => {
    jest.replaceProperty(process, 'env', { PATH: process.env['PATH'], ...environment });
    const said = await askGit(tmpdir(), ['-c', 'alias.shown=!env', 'shown']);
    return said?.toString().split('\n') ?? [];
  };
  afterEach(() => jest.restoreAllMocks());

  it('has the configuration of the caller, and trusts whom the caller trusts', async () => {
    const own = {
      SUDO_UID: '1000',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
    };
    const lines = Object.entries(own).map(([name, value]) => `${name}=${value}`);
    expect(await environmentOf(own)).toEqual(expect.arrayContaining(lines));
  });

  it('does not look where a hook would', async () => {
    const shown = await environmentOf({ GIT_DIR: '/nowhere', GIT_INDEX_FILE: '/nowhere/index' });
    expect(shown.filter((line) => line.includes('/nowhere'))).toEqual([]);
  });

  it('ends when it is told to', async () => {
    const stop = new AbortController();
    const reading = askGit(tmpdir(), ['-c', 'alias.w=!sleep 60', 'w'], stop.signal);
    stop.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
  }, 5_000);
});
