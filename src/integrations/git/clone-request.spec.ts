import type { CloneRequest } from './git-client.js';
import { validateCloneRequest } from './clone-request.js';

const validate = (request: Partial<CloneRequest>) =>
  validateCloneRequest({ url: 'https://git.example/x.git', directory: '/d', ...request }, [
    'https',
    'http',
    'ssh',
  ]);

describe('what a clone request may hold', () => {
  it.each([
    '-',
    '--upload-pack=touch /tmp/x',
    '-oProxyCommand=id',
    '-c core.sshCommand=id',
    'ext::sh -c id',
    'ext::sh',
    'fd::3',
    'file:///etc',
    'git://git.example/x',
    'ftp://git.example/x',
    'rsync://git.example/x',
    '/etc',
    './x',
    '../x',
    'git@git.example:x.git',
    'git.example:x',
    'C:\\x',
    '\\\\host\\share',
    'http::https://git.example/x',
    'transport::address',
    'javascript:1',
    'data:,x',
    '',
    'https://',
    'https://?',
    'https://git.example/x?y',
    'https://git.example/x#y',
    'https://git.example/x?',
    'https://git.example/x#',
    'https://git.example\\@127.0.0.1/x',
    'https:\\\\git.example\\x',
    'https://git.example/x\nHost: evil',
    'https://git.example/x\r\n',
    'https://git.example/\0x',
    'https://git.example/\tx',
    ' https://git.example/x',
    'https://git.example/x y',
    'https://user:pa%0ass@git.example/x',
    'https://us%0Der:p@git.example/x',
    'https://user:p%00@git.example/x',
    'https://-host/x',
    'https://git.example:99999/x',
    'https://git.example:x/x',
    'https://[::1/x',
    'https://[fe80::1%25eth0]/x',
    'https://a b/x',
    'https://%00/x',
    'https://%2F/x',
    'ssh://-oProxyCommand=id/x',
    'ssh://-oProxyCommand=id@git.example/x',
    'ssh://git.example%0a/x',
    "ssh://git.example'/x",
    'ssh://$(id)/x',
    'ssh://`id`/x',
    'ssh://git@git.example;id/x',
    'ssh://user:password@git.example/x',
    'ssh:///x',
    `https://git.example/${'x'.repeat(2048)}`,
  ])('refuses the URL %j', (url) => {
    expect(() => validate({ url })).toThrow(
      expect.objectContaining({ code: 'invalid_request', retryable: false }),
    );
  });

  it.each([
    ['HTTPS://Git.Example/x.git/', 'https://git.example/x.git'],
    ['https:///git.example/x', 'https://git.example/x'],
    ['http://127.1/x', 'http://127.0.0.1/x'],
    ['http://\uff11\uff12\uff17.0.0.1/x', 'http://127.0.0.1/x'],
    ['https://b\u00fccher.example/x', 'https://xn--bcher-kva.example/x'],
    ['https://git.example/a/../../../x', 'https://git.example/x'],
    ['https://git.example/"][core]', 'https://git.example/%22][core]'],
    ['https://git.example/-x', 'https://git.example/-x'],
    ['ssh://git@git.example:2222/~/x.git', 'ssh://git@git.example:2222/~/x.git'],
  ])('takes %j as %j', (url, taken) => {
    expect(validate({ url }).url).toBe(taken);
  });

  const NAMES = [
    '',
    '-',
    '--upload-pack=x',
    '-oProxyCommand=id',
    '..',
    '../x',
    'a..b',
    '/a',
    'a/',
    'a//b',
    '.a',
    'a/.b',
    'a.',
    'a.lock',
    'a.lock/b',
    'a b',
    'a\nb',
    'a\rb',
    'a\0b',
    'a\tb',
    'a\u007fb',
    'a\u001bb',
    'a~1',
    'a^',
    'a:b',
    'a?',
    'a*',
    'a[',
    'a\\b',
    '@',
    'a@{1}',
    'x'.repeat(256),
  ];
  it.each(NAMES)('refuses the branch, tag and commit %j', (name) => {
    const refused = expect.objectContaining({ code: 'invalid_request' }) as Error;
    expect(() => validate({ branch: name })).toThrow(refused);
    expect(() => validate({ tag: name })).toThrow(refused);
    expect(() => validate({ commit: name })).toThrow(refused);
  });

  it.each([
    'HEAD',
    'g'.repeat(40),
    'a'.repeat(41),
    'a'.repeat(6),
    '-aaaaaaa',
    'aaaaaaa^{}',
    'aaaaaaa\n',
  ])('refuses the commit %j', (commit) => {
    expect(() => validate({ commit })).toThrow(
      expect.objectContaining({ code: 'invalid_request' }),
    );
  });

  it.each(['-d', '--separate-git-dir=/x', 'd', '', './d', '/d\0e'])(
    'refuses the directory %j',
    (directory) => {
      expect(() => validate({ directory })).toThrow(
        expect.objectContaining({ code: 'invalid_request' }),
      );
    },
  );
});
