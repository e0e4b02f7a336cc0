import { credentialForms, redactCredentials, splitUrlCredentials } from './url-credentials.js';

describe('splitUrlCredentials', () => {
  it('takes user and password out, percent-decoded', () => {
    expect(splitUrlCredentials('https://ci%40x:p%2Fq@host:8443/a/b.git')).toEqual({
      url: 'https://host:8443/a/b.git',
      credentials: { username: 'ci@x', password: 'p/q' },
    });
  });

  it('takes a bare % as it is, and finds a token alone', () => {
    expect(splitUrlCredentials('https://100%@host/').credentials?.username).toBe('100%');
    expect(splitUrlCredentials('https://host/a')).toEqual({ url: 'https://host/a' });
  });

  it('does not repeat what is no URL', () => {
    expect(() => splitUrlCredentials('https://u:secret@host:port/')).toThrow('Not a valid URL');
  });
});

describe('redactCredentials', () => {
  const credentials = { username: 'ci', password: 'p@ss/w%rd' };

  it.each([
    'p@ss/w%rd',
    encodeURIComponent('p@ss/w%rd'),
    `Basic ${Buffer.from('ci:p@ss/w%rd').toString('base64')}`,
  ])('masks %s', (form) => {
    const text = redactCredentials(`before ${form} after`, credentialForms(credentials));
    expect(text).toMatch(/^before (?:Basic )?\*\*\* after$/);
  });

  it('takes a user name alone as the secret, and leaves very short ones', () => {
    expect(credentialForms({ username: 'ghp_token', password: '' })).toContain('ghp_token');
    expect(credentialForms({ username: 'x', password: 'abc' })).not.toContain('abc');
  });
});
