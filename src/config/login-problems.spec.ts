import { parseConfig } from './load-config.js';

const GOOD = {
  AUTH_MODE: 'oauth',
  PUBLIC_URL: 'https://ci.example.org',
  GITHUB_OAUTH_CLIENT_ID: 'id',
  GITHUB_OAUTH_CLIENT_SECRET: 'secret',
  ADMIN_LOGINS: 'ada',
};
const GITEA = {
  GITEA_OAUTH_CLIENT_ID: 'id',
  GITEA_OAUTH_CLIENT_SECRET: 'secret',
  GITEA_BASE_URL: 'https://git.example.org',
};

function problems(environment: Readonly<Record<string, string>>): string[] {
  const parsed = parseConfig(environment);
  return parsed.kind === 'invalid' ? parsed.problems.map(({ name }) => name) : [];
}

describe('the configuration of log-ins', () => {
  it('is good as the documentation has it, for one forge and for two', () => {
    expect(problems(GOOD)).toEqual([]);
    expect(problems({ ...GOOD, AUTH_MODE: 'GitHub' })).toEqual([]);
    expect(problems({ ...GOOD, ...GITEA, ADMIN_LOGINS: 'github:ada,gitea:id:7' })).toEqual([]);
  });

  it.each([
    ['no application', { GITHUB_OAUTH_CLIENT_SECRET: '' }, ['AUTH_MODE']],
    ['no address', { PUBLIC_URL: '' }, ['PUBLIC_URL']],
    ['no administrator', { ADMIN_LOGINS: '' }, ['ADMIN_LOGINS']],
    [
      'a Gitea that is nowhere',
      { ...GITEA, GITEA_BASE_URL: '', ADMIN_LOGINS: 'gitea:a' },
      ['GITEA_BASE_URL'],
    ],
    ['a name of either of two forges', GITEA, ['ADMIN_LOGINS']],
    ['a name of a forge that is not there', { ALLOWED_TEAMS: 'gitea:a/b' }, ['ALLOWED_TEAMS']],
    ['everybody as administrator', { ADMIN_LOGINS: '*' }, ['ADMIN_LOGINS']],
  ])('is refused with %s', (_what, change, names) => {
    expect(problems({ ...GOOD, ...change })).toEqual(names);
  });

  it('takes the token of the server for an administrator', () => {
    const token = { MILLRACE_TOKEN: 'a-token-of-a-fair-length', ADMIN_LOGINS: '' };
    expect(problems({ ...GOOD, ...token })).toEqual([]);
  });

  it('asks for nothing of it where nobody logs in', () => {
    expect(problems({ AUTH_MODE: 'token', ADMIN_LOGINS: 'gitea:ada' })).toEqual([]);
  });
});
