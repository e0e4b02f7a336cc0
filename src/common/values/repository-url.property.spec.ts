import fc from 'fast-check';
import { compileYaml } from '../../engine/compiler/compile-yaml.js';
import { redactUrls } from './redact-urls.js';
import { repositoryUrlProblem, sayUrl } from './repository-url.js';

const TOKEN = 'tOkEn77x';
const user = fc.constantFrom('', 'user', 'oauth2', 'x-token', 'a%40b', 'a b', 'a\\b', 'a/b', 'a#b');
/** The token alone, or as a password, with what people forget to encode around it. */
const credential = fc
  .tuple(user, fc.constantFrom('', '/', '?', '#', ' ', '@', ':', '\\', '%', '$'), fc.boolean())
  .map(([name, odd, isFirst]) => {
    const secret = isFirst ? `${odd}${TOKEN}` : `${TOKEN}${odd}`;
    return name === '' ? secret : `${name}:${secret}`;
  });
const scheme = fc.constantFrom(
  ...['https://', 'http://', 'https:/', 'https:', 'https:///', 'https:\\\\', 'HTTPS://', 'ssh://'],
  ...['', ' https://', 'git+https://', 'ftp://', 'https//', '//', 'git://', 'file://'],
);
const host = fc.constantFrom('h', 'github.com', 'github.com:8443', '[::1]', 'h:port', '', 'h h');
const path = fc.constantFrom('/x', '/o/n.git', ':o/n.git', '', '\\x', '/x y', '/a@b/c', '/"q"');
const inUserInformation = fc
  .tuple(scheme, credential, host, path)
  .map(([s, c, h, p]) => `${s}${c}@${h}${p}`);
const inQuery = fc
  .tuple(scheme, host, path, fc.constantFrom('?', '#', '?token=', '#access_token=', '?a=b&key='))
  .map(([s, h, p, q]) => `${s}${h}${p}${q}${TOKEN}`);
const urlWithToken = fc.oneof(inUserInformation, inQuery);

describe('what is said of a URL', () => {
  it('never holds the token, however it is written', () => {
    fc.assert(
      fc.property(urlWithToken, (url) => {
        expect(sayUrl(url)).not.toContain(TOKEN);
        expect(sayUrl(sayUrl(url))).toBe(sayUrl(url));
        expect(JSON.stringify(repositoryUrlProblem(url, { ssh: true }) ?? '')).not.toContain(TOKEN);
      }),
      { numRuns: 3000 },
    );
  });

  it.each([
    ['https:/user:tok@h/x', '***'],
    ['user:tok@h/x', '***'],
    ['https://user:tok x@h/x', '***'],
    ['oauth2:tok@github.com/x', '***'],
    ['https:\\\\user:tok@h\\x', '***'],
    ['https://h/x?token=tok', 'https://h/x?***'],
    ['https://h/x#tok', 'https://h/x#***'],
    ['https://user:tok@h:8443/a/b.git', 'https://***@h:8443/a/b.git'],
    ['tok@h:o/n.git', '***@h:o/n.git'],
    ['***@h:o/n.git', '***@h:o/n.git'],
    ['git@h:o/n.git', 'git@h:o/n.git'],
    ['ssh://git@h/x', 'ssh://git@h/x'],
    ['https://${{ env.TOKEN }}@h/${{ trigger.branch }}', 'https://***@h/${{ trigger.branch }}'],
  ])('%s', (url, said) => {
    expect(sayUrl(url)).toBe(said);
  });

  it('is all that the problems of a pipeline tell of it, wherever it is written', () => {
    const places = fc.constantFrom(
      (url: string) => ({ name: 'a', repository: url, steps: ['echo'] }),
      (url: string) => ({ name: 'a', repository: { url, depth: 'x' }, steps: ['echo'] }),
      (url: string) => ({ name: 'a', repository: [url], steps: [{ run: { url } }] }),
      (url: string) => ({ name: 'a', environment: [url], timeout: url, steps: ['echo'] }),
      (url: string) => ({ name: 'a', [url]: 1, steps: [{ run: 'a', shell: url, [url]: 1 }] }),
      (url: string) => ({
        name: 'a',
        steps: [{ name: 'g', step_type: 'github', config: { repository_url: url, branch: url } }],
      }),
    );
    fc.assert(
      fc.property(urlWithToken, places, (url, place) => {
        const { problems } = compileYaml(JSON.stringify(place(url)));
        expect(JSON.stringify(problems)).not.toContain(TOKEN);
      }),
      { numRuns: 2000 },
    );
  });

  it('is all that stays of it in a text, where the text shows what it is', () => {
    const odd = fc.constantFrom('https:/', 'https:', 'https:\\\\', 'https://', '');
    const texts = fc.tuple(odd, fc.constantFrom('user', 'oauth2')).map(([s, u]) => {
      return `fatal: unable to access '${s}${u}:${TOKEN}@h/x/': no`;
    });
    fc.assert(fc.property(texts, (text) => expect(redactUrls(text)).not.toContain(TOKEN)));
    const spaced = redactUrls(`clone of https://user:a ${TOKEN}@h/x failed`);
    expect(spaced).toBe('clone of https://***@h/x failed');
    expect(redactUrls(`GET https://h/x?a=1&access_token=${TOKEN} 404`)).toBe(
      'GET https://h/x?a=1&access_token=*** 404',
    );
  });
});

describe('repositoryUrlProblem', () => {
  it.each([
    ['git@github.com:o/n.git', { ssh: true }, 'scp'],
    ['git@github.com:o/n.git', { ssh: false }, 'scp'],
    ['ssh://git@h/x', { ssh: false }, 'GIT_CLIENT'],
    ['ssh://${{ env.HOST }}/x', { ssh: false }, 'GIT_CLIENT'],
    ['file:///etc', { ssh: true }, 'scheme'],
    ['https://h/x?token=t', { ssh: true }, 'query'],
    ['https://h\\x', { ssh: true }, 'backslash'],
    ['https://h/\u001b', { ssh: true }, 'control'],
  ])('refuses %s', (url, support, word) => {
    expect(repositoryUrlProblem(url, support)?.message).toContain(word);
  });

  it.each([
    ['https://user:tok@h/x.git', false],
    ['http://127.0.0.1:80/x', false],
    ['ssh://git@h/x', true],
    ['${{ env.URL }}', false],
    ['https://${{ env.TOKEN }}@h/x', false],
  ])('takes %s', (url, ssh) => {
    expect(repositoryUrlProblem(url, { ssh })).toBeUndefined();
  });
});
