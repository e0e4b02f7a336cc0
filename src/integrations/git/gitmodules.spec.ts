import { parseGitmodules } from './gitmodules.js';
import { submoduleUrl } from './submodule-url.js';

describe('parseGitmodules', () => {
  it('reads sections, quotes, escapes and comments as git does', () => {
    const text = [
      '# submodule',
      '[submodule "lib/x"]',
      '\tpath = lib/x',
      '\turl = ../x.git # beside this one',
      '\tbranch = main',
      '[core]',
      '\turl = not of a submodule',
      '[Submodule "a \\"b\\" \\\\"] ; odd',
      '  Path="with space#;"',
      '  URL = https://host/y.git',
      '[submodule "none"]',
      '\tpath = only',
      '',
    ].join('\r\n');
    expect(parseGitmodules(text)).toEqual([
      { name: 'lib/x', path: 'lib/x', url: '../x.git' },
      { name: 'a "b" \\', path: 'with space#;', url: 'https://host/y.git' },
    ]);
  });

  it('takes the last of equal keys, and joins sections of one name', () => {
    const text = '[submodule "x"]\npath = a\n[submodule "x"]\nurl = u\nurl = v\n';
    expect(parseGitmodules(text)).toEqual([{ name: 'x', path: 'a', url: 'v' }]);
  });
});

describe('submoduleUrl', () => {
  const of = (parent: string, url: string, schemes = ['https', 'http'] as const): string =>
    submoduleUrl(parent, url, schemes);

  it.each([
    ['https://h/a/b.git', '../c.git', 'https://h/a/c.git'],
    ['https://h/a/b', './c', 'https://h/a/b/c'],
    ['https://h/a/b.git', '../../../../../c', 'https://h/c'],
    ['https://h:8443/a/b.git', '../c', 'https://h:8443/a/c'],
    ['https://h:8443/a/b.git', 'git@h:a/c.git', 'https://h:8443/a/c.git'],
    ['https://h/a/b.git', 'ssh://git@h:2222/a/c.git', 'https://h/a/c.git'],
    ['https://h/a/b.git', 'git@other:a/c.git', 'git@other:a/c.git'],
    ['https://h/a/b.git', 'ssh://git@other/a/c.git', 'ssh://git@other/a/c.git'],
    ['https://h/a/b.git', 'https://other/c.git', 'https://other/c.git'],
    ['https://h/a/b.git', 'file:///etc', 'file:///etc'],
    ['https://h/a/b.git', '/etc/passwd', '/etc/passwd'],
  ])('%s and %s make %s', (parent, url, expected) => {
    expect(of(parent, url)).toBe(expected);
  });

  it('asks by ssh where the repository was asked for by ssh', () => {
    const schemes = ['https', 'http', 'ssh'] as const;
    const made = submoduleUrl('ssh://git@h:22/a/b.git', 'git@h:a/c.git', schemes);
    expect(made).toBe('ssh://git@h:22/a/c.git');
    expect(submoduleUrl('ssh://git@h/a/b.git', '../c.git', schemes)).toBe('ssh://git@h/a/c.git');
  });
});
