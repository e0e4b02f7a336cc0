import { imageNameProblem, imageReference, normalRegistry, parseImageName } from './image-name.js';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('parseImageName', () => {
  it.each([
    ['node', 'docker.io', 'library/node', 'docker.io/library/node:latest'],
    ['node:22', 'docker.io', 'library/node', 'docker.io/library/node:22'],
    ['team/app:1.2-x', 'docker.io', 'team/app', 'docker.io/team/app:1.2-x'],
    ['index.docker.io/node', 'docker.io', 'library/node', 'docker.io/library/node:latest'],
    ['localhost/app', 'localhost', 'app', 'localhost/app:latest'],
    ['127.0.0.1:5000/a/b/c:1', '127.0.0.1:5000', 'a/b/c', '127.0.0.1:5000/a/b/c:1'],
    ['GHCR.io/team/app', 'ghcr.io', 'team/app', 'ghcr.io/team/app:latest'],
    ['registry.example:443/app', 'registry.example', 'app', 'registry.example/app:latest'],
    ['[::1]:5000/app', '[::1]:5000', 'app', '[::1]:5000/app:latest'],
    [`node:22@${DIGEST}`, 'docker.io', 'library/node', `docker.io/library/node@${DIGEST}`],
  ])('%s', (text, registry, repository, whole) => {
    const name = parseImageName(text);
    expect(name).toMatchObject({ registry, repository });
    expect(name && imageReference(name)).toBe(whole);
  });

  it.each(
    [
      [
        '',
        'Node',
        'node:',
        'node:-x',
        'a//b',
        '/a',
        'a/',
        'a b',
        'a\nb',
        '../a',
        'a/../b',
        '-a',
        'a:b:c',
      ],
      [
        'a@sha256:12',
        'a@md5:abc',
        'ex.ample:port/a',
        'a'.repeat(256),
        'ä',
        '$(id)',
        '--privileged',
      ],
    ].flat(),
  )('%j is none', (text) => {
    expect(parseImageName(text)).toBeUndefined();
    expect(imageNameProblem(text)).toContain('is no name of an image');
  });

  it.each(['millrace.invalid/built:1', 'Millrace.INVALID/nothing:1', 'millrace.invalid:443/a'])(
    '%s is a name of ours on the engines, and so none',
    (text) => {
      expect(parseImageName(text)).toBeUndefined();
      expect(imageNameProblem(text)).toContain('is no name of an image');
    },
  );

  it('says of a URL what is wrong with it', () => {
    expect(imageNameProblem('https://ghcr.io/a')).toBe('The name of an image has no scheme.');
  });
});

describe('normalRegistry', () => {
  it.each([
    ['Registry-1.docker.io', 'docker.io'],
    ['registry.hub.docker.com:443', 'docker.io'],
    ['registry.example:5000', 'registry.example:5000'],
    ['registry.example:4430', 'registry.example:4430'],
  ])('%s is %s', (host, normal) => expect(normalRegistry(host)).toBe(normal));
});
