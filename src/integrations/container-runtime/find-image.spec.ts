import type Docker from 'dockerode';
import { standIn } from '../../../test/support/stand-in.js';
import { findImage } from './find-image.js';

function dockerWith(variables: readonly string[] | null | undefined): Docker {
  const inspect = async () =>
    standIn<Docker.ImageInspectInfo>({
      ...{ Id: 'sha256:1', Os: 'linux', Architecture: 'amd64', Variant: '', RepoDigests: [] },
      Config: { Env: variables } as Docker.ImageInspectInfo['Config'],
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

  it.each([null, undefined])('has none where the engine says %s', async (words) => {
    const image = await findImage(dockerWith(words), 'a:1');
    expect(Object.entries(image?.environment ?? { none: '' })).toEqual([]);
  });
});
