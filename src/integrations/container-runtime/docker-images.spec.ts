import type Docker from 'dockerode';
import { createHash } from 'node:crypto';
import { standIn } from '../../../test/support/stand-in.js';
import { DockerImages } from './docker-images.js';

const ID = 'sha256:1';
const REFERENCE = 'registry.example/app:1';
const HASH = createHash('sha256').update('registry.example/app').digest('hex').slice(0, 32);
const MARK = `millrace.invalid/with-login:${HASH}.a-fetch`;

/** An engine with images of these names; `onLook` comes before each answer of what is there. */
function engineWith(names: ReadonlySet<string>, onLook: () => void): Docker {
  const inspect = async (name: string): Promise<unknown> => {
    onLook();
    const isThere = names.has(name === ID ? REFERENCE : name);
    if (!isThere) throw Object.assign(new Error('no such image'), { statusCode: 404 });
    const image = { Id: ID, Os: 'linux', Architecture: 'amd64', Config: {} };
    return Promise.resolve({ ...image, RepoDigests: ['registry.example/app@sha256:2'] });
  };
  const listImages = async (): Promise<unknown> => {
    onLook();
    return Promise.resolve([...names].map((name) => ({ Id: ID, RepoTags: [name] })));
  };
  return standIn<Docker>({
    getImage: (name) => standIn<Docker.Image>({ inspect: (() => inspect(name)) as never }),
    listImages: listImages as Docker['listImages'],
  });
}

async function provided(names: ReadonlySet<string>, onLook: () => void): Promise<string> {
  const options = { installation: 'i', report: () => undefined };
  const images = new DockerImages(engineWith(names, onLook), options, async () => {
    onLook();
    return Promise.resolve('linux/amd64');
  });
  const request = { reference: REFERENCE, group: 'g', pull: 'never' as const };
  const result = await images.provide(request, () => undefined, new AbortController().signal);
  await images.pulled.close();
  return result.kind;
}

describe('DockerImages', () => {
  it('gives what is there, and has no mark', async () => {
    expect(await provided(new Set([REFERENCE]), () => undefined)).toBe('image');
    expect(await provided(new Set([REFERENCE, MARK]), () => undefined)).toBe('refused');
  });

  it.each([0, 1, 2, 3, 4, 5])(
    'gives nobody what another one fetches with a log-in meanwhile, from look %s on',
    async (first) => {
      const names = new Set<string>();
      let looks = 0;
      const kind = await provided(names, () => {
        // The mark is there before the image, and both between two looks.
        if (looks === first) names.add(MARK).add(REFERENCE);
        looks += 1;
      });
      expect(kind).toBe('refused');
    },
  );
});
