import type Docker from 'dockerode';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { standIn } from '../../../test/support/stand-in.js';
import type { ImageImporter } from '../../../test/support/step-image.js';
import { stopAll } from '../../../test/support/stop-all.js';
import { DockerImages } from './docker-images.js';
import { dockerAt } from './docker-removal.js';
import { ImageCleaner, type RemovedImage } from './image-cleaner.js';
import { whileLeaving } from './leaving-images.js';
import type { PulledImages } from './pulled-images.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MANY_BYTES = 1024 ** 4;

export interface ImagesEngine extends ImageImporter {
  readonly host: string;
  /** Runs its program; the standard output. */
  run(...args: string[]): Promise<string>;
  stop(): Promise<void>;
}

/** A worker of an installation, as far as images go. */
class Installation {
  readonly images: DockerImages;
  private readonly cleaner: ImageCleaner;

  constructor(docker: Docker, installation: string, now: () => number) {
    const report = (what: string, error: unknown): never => {
      throw new Error(what, { cause: error });
    };
    const platform = async (): Promise<string> => {
      const { Os: os, Arch: processor } = await docker.version();
      return `${os}/${processor}`;
    };
    this.images = new DockerImages(docker, { installation, report }, platform, now);
    this.cleaner = new ImageCleaner(docker, this.images.pulled, installation, now);
  }

  /** How it was found. */
  async use(reference: string, group = 'run', pull: 'missing' | 'always' = 'missing') {
    const { signal } = new AbortController();
    const request = { group, reference, pull };
    const result = await this.images.provide(request, () => undefined, signal);
    if (result.kind === 'refused') throw new Error(result.refusal.message);
    return { pulled: result.pulled, id: result.image.id };
  }

  async useOnce(reference: string, pull: 'missing' | 'always' = 'missing') {
    const used = await this.use(reference, 'once', pull);
    this.images.pulled.release('once');
    return used;
  }

  clean(limits: { readonly days?: number; readonly maxBytes?: number } = {}) {
    return this.cleaner.clean({ days: 30, maxBytes: MANY_BYTES, ...limits });
  }
}

/** What every engine does with images that were fetched, and are used no more. */
export function pulledImagesSuite(
  make: (registry: string) => Promise<ImagesEngine>,
  registry: () => Promise<{ readonly host: string; stop(): Promise<void> }>,
): void {
  let engine: ImagesEngine;
  let docker: Docker;
  let host: string;
  let now: number;
  let own: Installation;
  let other: Installation;
  let stopRegistry: () => Promise<void>;
  const all: Installation[] = [];

  beforeAll(async () => {
    const started = await registry();
    host = started.host;
    stopRegistry = () => started.stop();
    engine = await make(host);
    docker = dockerAt(engine.host);
    for (const name of ['a:1', 'b:1', 'c:1', 'a:2']) {
      await importImage(name, name);
      await push(name);
    }
  });
  afterAll(() =>
    stopAll(
      () => engine.stop(),
      () => stopRegistry(),
    ),
  );
  beforeEach(() => {
    now = Date.now();
    own = new Installation(docker, 'own', () => now);
    other = new Installation(docker, 'other', () => now);
    all.push(own, other);
  });
  afterEach(async () => {
    for (const one of all.splice(0)) await one.images.pulled.close();
    now += 99 * DAY_MS;
    await new Installation(docker, 'own', () => now).clean();
  });

  /** An image of one file. */
  const importImage = async (name: string, content: string): Promise<void> => {
    const folder = mkdtempSync(join(tmpdir(), 'mr-pulled-'));
    try {
      writeFileSync(join(folder, 'file'), content.padEnd(100_000, '.'));
      await engine.importRoot(folder, name, []);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  const push = async (name: string): Promise<void> => {
    await engine.run('tag', name, ref(name));
    await engine.run('push', ref(name));
    await engine.run('rmi', ref(name), name);
  };
  const ref = (name: string): string => `${host}/${name}`;
  const isThere = async (id: string): Promise<boolean> =>
    docker
      .getImage(id)
      .inspect()
      .then(
        () => true,
        () => false,
      );
  const namesOf = (removed: readonly RemovedImage[]): readonly string[] =>
    removed.flatMap(({ names }) => names);

  it('removes what nobody used for the days of the limit, and says why', async () => {
    const { id, pulled } = await own.useOnce(ref('a:1'));
    expect(pulled).toBe(true);
    now += 20 * DAY_MS;
    expect(await own.clean()).toEqual([]);
    // Each use starts the time again.
    expect(await own.useOnce(ref('a:1'))).toEqual({ id, pulled: false });
    now += 20 * DAY_MS;
    expect(await own.clean()).toEqual([]);
    now += 11 * DAY_MS;
    const [removed] = await own.clean();
    expect(removed).toMatchObject({ names: [ref('a:1')], why: 'not used for 30 days' });
    expect(removed?.bytes).toBeGreaterThanOrEqual(100_000);
    expect(await isThere(id)).toBe(false);
    expect(await own.images.pulled.marks()).toEqual([]);
    expect((await own.useOnce(ref('a:1'))).pulled).toBe(true);
  });

  it('removes first what was not used for longest, until the rest fits', async () => {
    for (const name of ['a:1', 'b:1', 'c:1']) {
      await own.useOnce(ref(name));
      now += HOUR_MS;
    }
    await own.useOnce(ref('a:1'));
    now += 3 * HOUR_MS;
    expect(namesOf(await own.clean({ maxBytes: 250_000 }))).toEqual([ref('b:1')]);
    expect(namesOf(await own.clean({ maxBytes: 1 }))).toEqual([ref('c:1'), ref('a:1')]);
  });

  it('leaves what was there before, whoever fetched it again', async () => {
    await importImage('mine:1', 'mine');
    await engine.run('tag', 'mine:1', ref('mine:1'));
    await engine.run('push', ref('mine:1'));
    const { id } = await own.useOnce(ref('mine:1'));
    await own.useOnce(ref('mine:1'), 'always');
    now += 99 * DAY_MS;
    expect(await own.clean()).toEqual([]);
    expect(await isThere(id)).toBe(true);
  });

  it('leaves the names that others gave, and with them the image', async () => {
    const { id } = await own.useOnce(ref('a:1'));
    await engine.run('tag', ref('a:1'), 'localhost/kept:1');
    now += 31 * DAY_MS;
    expect(namesOf(await own.clean())).toEqual([ref('a:1')]);
    expect(await isThere('localhost/kept:1')).toBe(true);
    expect(await isThere(ref('a:1'))).toBe(false);
    expect(await isThere(id)).toBe(true);
    expect(await own.clean()).toEqual([]);
    await engine.run('rmi', 'localhost/kept:1');
  });

  it('leaves what has a container, though that does not run', async () => {
    const { id } = await own.useOnce(ref('a:1'));
    const container = await docker.createContainer({ Image: id, Cmd: ['/file'] });
    now += 99 * DAY_MS;
    expect(await own.clean({ maxBytes: 1 })).toEqual([]);
    await container.remove();
    expect(namesOf(await own.clean())).toEqual([ref('a:1')]);
  });

  it('leaves what a run found, between its steps, until the run is over', async () => {
    const { id } = await own.use(ref('a:1'), 'long');
    // Days in small turns, as a worker notes its uses.
    for (let hours = 0; hours < 12; hours += 1) {
      now += HOUR_MS;
      await own.images.pulled.noteHeld();
      expect(await own.clean({ maxBytes: 1 })).toEqual([]);
    }
    own.images.pulled.release('long');
    expect(await isThere(id)).toBe(true);
    now += 2 * HOUR_MS;
    expect(namesOf(await own.clean({ maxBytes: 1 }))).toEqual([ref('a:1')]);
  });

  it('leaves what another installation fetched, and what it used of late', async () => {
    await other.useOnce(ref('a:1'));
    await own.useOnce(ref('b:1'));
    now += 20 * DAY_MS;
    await other.useOnce(ref('b:1'));
    now += 20 * DAY_MS;
    expect(await own.clean()).toEqual([]);
    expect(namesOf(await other.clean())).toEqual([ref('a:1')]);
    now += 20 * DAY_MS;
    expect(namesOf(await own.clean())).toEqual([ref('b:1')]);
  });

  it('removes what a tag has left, and nothing of the image that has it now', async () => {
    const first = await own.useOnce(ref('a:1'));
    await engine.run('pull', ref('a:2'));
    await engine.run('tag', ref('a:2'), ref('a:1'));
    now += 31 * DAY_MS;
    const removed = await own.clean();
    expect(removed).toHaveLength(1);
    expect(await isThere(first.id)).toBe(false);
    expect(await isThere(ref('a:1'))).toBe(true);
    await engine.run('rmi', ref('a:1'), ref('a:2'));
  });

  it('leaves what is used between the choice and the removal', async () => {
    const { id } = await own.useOnce(ref('a:1'));
    now += 3 * HOUR_MS;
    const { pulled } = own.images;
    let looks = 0;
    const late = standIn<PulledImages>({
      forget: (marks) => pulled.forget(marks),
      marks: async () => {
        looks += 1;
        const seen = await pulled.marks();
        if (looks === 1) await other.useOnce(ref('a:1'));
        return looks === 1 ? seen : pulled.marks();
      },
    });
    const cleaner = new ImageCleaner(docker, late, 'own', () => now);
    expect(await cleaner.clean({ days: 30, maxBytes: 1 })).toEqual([]);
    expect(await isThere(id)).toBe(true);
  });

  it('fetches again what is being removed while somebody asks for it', async () => {
    const { id } = await own.useOnce(ref('a:1'));
    now += 3 * HOUR_MS;
    let used: ReturnType<Installation['useOnce']> | undefined;
    await whileLeaving(docker, id, async () => {
      used = own.useOnce(ref('a:1'));
      // Its use is noted: only now it looks whether the image leaves.
      while (!(await own.images.pulled.marks()).some(({ usedAt }) => usedAt > now - HOUR_MS)) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      // Whoever removes it sees the note, and leaves it; this one has looked too early.
      await docker.getImage(ref('a:1')).remove();
    });
    expect(await used).toEqual({ id, pulled: true });
  });
}
