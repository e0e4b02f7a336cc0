import { standIn } from '../../../../test/support/stand-in.js';
import type {
  ContainerRuntime,
  ImageRequest,
  ImageResult,
  LocalImage,
} from '../../../integrations/container-runtime/container-runtime.js';
import type { KeptImage } from '../../suspension/suspended-run.js';
import { BuiltNames } from './built-names.js';
import { RegistryAccess } from './registry-access.js';
import { type FoundImage, RunImages } from './run-images.js';

const OLD = `sha256:${'a'.repeat(64)}`;
const NEW = `sha256:${'b'.repeat(64)}`;
const ID = `sha256:${'c'.repeat(64)}`;

describe('images of a run that continues', () => {
  /** What the engine and its registries have, by whole names. */
  let there: Map<string, Partial<LocalImage>>;
  let asked: ImageRequest[];

  beforeEach(() => {
    asked = [];
    there = new Map([
      ['docker.io/library/node:24', { id: ID, digest: NEW }],
      [`docker.io/library/node@${OLD}`, { id: ID, digest: OLD }],
    ]);
  });

  const images = (pinned: readonly KeptImage[] = [], built = new BuiltNames()): RunImages => {
    const provide = async (request: ImageRequest): Promise<ImageResult> => {
      asked.push(request);
      const image = there.get(request.reference);
      if (image !== undefined) {
        return { kind: 'image', image: standIn<LocalImage>(image), pulled: false };
      }
      return { kind: 'refused', refusal: { code: 'image_missing', message: 'none' } };
    };
    const runtime = standIn<ContainerRuntime>({ provide });
    return new RunImages(runtime, 'g', RegistryAccess.none, undefined, built, pinned);
  };
  const find = (run: RunImages, image = 'node:24', more = {}): Promise<FoundImage> =>
    run.find({ image, ...more }, () => undefined, new AbortController().signal);
  const found = async (run: RunImages, image?: string, more?: object): Promise<string> => {
    const result = await find(run, image, more);
    return result.kind === 'image' ? result.image.digest : result.refusal.code;
  };

  it('are those that their names led to before, wherever the tags lead now', async () => {
    there.set('docker.io/library/node:24', { id: ID, digest: OLD });
    const first = images();
    expect(await found(first)).toBe(OLD);
    there.set('docker.io/library/node:24', { id: ID, digest: NEW });
    const second = images(first.pins());
    expect(await found(second)).toBe(OLD);
    expect(await found(images(second.pins()), undefined, { pull: 'always' })).toBe(OLD);
    expect(await found(images())).toBe(NEW);
  });

  it('are refused where that one is not to be had any more', async () => {
    const pins: KeptImage[] = [{ key: ' docker.io/library/node:24', digest: OLD, isOwnId: false }];
    there.delete(`docker.io/library/node@${OLD}`);
    expect(await found(images(pins))).toBe('image_changed');
    there.set('docker.io/library/node:24', { id: ID, digest: OLD });
    expect(await found(images(pins))).toBe(OLD);
    // Another platform of the same tag was not used before.
    there.set('docker.io/library/node:24', { id: ID, digest: NEW });
    expect(
      await found(images([{ ...pins[0]!, key: `linux/arm64 ${'docker.io/library/node:24'}` }])),
    ).toBe(NEW);
  });

  it('that were built and pushed before are the same or none, on every platform', async () => {
    const built = new BuiltNames();
    built.add('docker.io/library/own:1', standIn<LocalImage>({ id: ID, digest: ID }), true);
    const pins = images([], built).pins();
    there.set('docker.io/library/own:1', { id: ID, digest: ID });
    expect(await found(images(pins), 'own:1', { platform: 'linux/amd64' })).toBe(ID);
    expect(asked.map(({ reference }) => reference)).toEqual(['docker.io/library/own:1']);
    there.set('docker.io/library/own:1', { id: NEW, digest: NEW });
    expect(await found(images(pins), 'own:1')).toBe('image_changed');
  });

  it('that were built before and not pushed are asked for nowhere, and it is told what to do', async () => {
    const built = new BuiltNames();
    built.add('docker.io/library/own:1', standIn<LocalImage>({ id: ID, digest: ID }), false);
    const pins = images([], built).pins();
    there.set('docker.io/library/own:1', { id: NEW, digest: NEW });
    const again = images(images(pins).pins());
    expect(await find(again, 'own:1')).toMatchObject({
      refusal: { code: 'image_missing', message: expect.stringContaining('push it') },
    });
    expect(asked).toEqual([]);
    // Whoever wants what the registry has now says so.
    expect(await found(again, 'own:1', { pull: 'always' })).toBe(NEW);
  });

  it('of one platform are not those of another', async () => {
    const first = images();
    expect(await found(first)).toBe(NEW);
    there.set('docker.io/library/node:24', { id: ID, digest: OLD });
    expect(await found(images(first.pins()), 'node:24', { platform: 'linux/arm64' })).toBe(OLD);
  });
});

describe('registries of images', () => {
  it('are those that the operator allows, each with the log-in for its own host', async () => {
    const asked: ImageRequest[] = [];
    const runtime = standIn<ContainerRuntime>({
      provide: (request) => {
        asked.push(request);
        const image = standIn<LocalImage>({ id: ID, digest: ID });
        return Promise.resolve({ kind: 'image', image, pulled: false });
      },
    });
    const access = new RegistryAccess(
      [{ registry: 'r.example:5000', username: 'USER', password: 'PASSWORD' }],
      { USER: 'ada', PASSWORD: 'hunter-22' },
    );
    const run = new RunImages(runtime, 'g', access, ['docker.io', 'r.example:5000']);
    const find = async (image: string): Promise<string> => {
      const found = await run.find({ image }, () => undefined, new AbortController().signal);
      return found.kind === 'image' ? 'found' : found.refusal.code;
    };
    for (const image of ['evil.example/a', 'r.example/a', '127.0.0.1:5000/a', '[::1]:5000/a']) {
      expect(await find(image)).toBe('registry_refused');
    }
    expect(asked).toEqual([]);
    expect([await find('node'), await find('r.example:5000/a')]).toEqual(['found', 'found']);
    expect(asked.map(({ reference, login }) => [reference, login])).toEqual([
      ['docker.io/library/node:latest', undefined],
      ['r.example:5000/a:latest', { username: 'ada', password: 'hunter-22' }],
    ]);
  });
});
