import type Docker from 'dockerode';
import { standIn } from '../../../test/support/stand-in.js';
import { findImage } from './find-image.js';

function dockerWith(
  variables: readonly string[] | null | undefined,
  exposed?: Readonly<Record<string, object>> | null,
): Docker {
  const inspect = async () =>
    standIn<Docker.ImageInspectInfo>({
      ...{ Id: 'sha256:1', Os: 'linux', Architecture: 'amd64', Variant: '', RepoDigests: [] },
      Config: { Env: variables, ExposedPorts: exposed } as Docker.ImageInspectInfo['Config'],
    });
  return standIn<Docker>({ getImage: () => standIn<Docker.Image>({ inspect }) });
}

describe('findImage', () => {
  it('tells the variables of an image, whose values may hold anything', async () => {
    const words = ['PATH=/bin', 'MAVEN_OPTS=-Da=b -Dc=d', 'EMPTY=', 'ALONE', '__proto__=x'];
    const image = await findImage(dockerWith(words), 'a:1');
    expect(Object.entries(image?.environment ?? {})).toEqual([
      ['PATH', '/bin'],
      ['MAVEN_OPTS', '-Da=b -Dc=d'],
      ['EMPTY', ''],
      ['ALONE', ''],
      ['__proto__', 'x'],
    ]);
  });

  it.each([
    [
      { '8080/tcp': {}, '80/tcp': {}, '53/udp': {}, '0/tcp': {}, '70000/tcp': {}, x: {} },
      [80, 8080],
    ],
    [null, []],
    [undefined, []],
  ])('tells the TCP ports of %j', async (exposed, ports) => {
    expect((await findImage(dockerWith([], exposed), 'a:1'))?.ports).toEqual(ports);
  });

  it.each([null, undefined])('has none where the engine says %s', async (words) => {
    const image = await findImage(dockerWith(words), 'a:1');
    expect(Object.entries(image?.environment ?? { none: '' })).toEqual([]);
  });
});
