import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DockerEngine } from '../../../test/support/docker-engine.js';
import { describeWith } from '../../../test/support/needed-programs.js';
import { PodmanEngine } from '../../../test/support/podman-engine.js';
import { makeStepImage, STEP_IMAGE } from '../../../test/support/step-image.js';
import { dockerAt } from './docker-removal.js';
import { nothingImage, readMarks, setMark, unsetMark } from './nothing-image.js';

const [REPOSITORY, TAG] = ['millrace.invalid/nothing', '1'];
const MARKS = 'millrace.invalid/marks';

function run(engine: DockerEngine | PodmanEngine, ...args: readonly string[]): Promise<string> {
  return engine instanceof DockerEngine ? engine.docker(...args) : engine.podman(...args);
}

function suite(start: () => Promise<DockerEngine | PodmanEngine>): void {
  let engine: DockerEngine | PodmanEngine;
  let folder: string;
  let docker: ReturnType<typeof dockerAt>;

  beforeAll(async () => {
    engine = await start();
    docker = dockerAt(engine.host);
    await makeStepImage(engine);
  });
  afterAll(() => engine.stop());
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'mr-no-files-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const take = (image: string) => docker.getImage(image).tag({ repo: REPOSITORY, tag: TAG });

  it('is made once, and is given by its id', async () => {
    const id = await nothingImage(docker);
    expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await nothingImage(docker)).toBe(id);
  });

  it('is none that has files, whatever its name; marks stay', async () => {
    await setMark(docker, MARKS, 'kept');
    const image = `docker.io/library/${STEP_IMAGE}`;
    const { Id: foreign } = await docker.getImage(image).inspect();
    await take(image);
    const id = await nothingImage(docker);
    expect(id).not.toBe(foreign);
    expect((await docker.getImage(id).inspect()).RootFS?.Layers).toHaveLength(1);
    await setMark(docker, MARKS, 'later');
    expect([...(await readMarks(docker, MARKS))].sort()).toEqual(['kept', 'later']);
    await unsetMark(docker, MARKS, 'kept');
    expect(await readMarks(docker, MARKS)).toEqual(['later']);
  });

  it.each([
    'ENV NODE_OPTIONS=--require=/tree/x.js',
    'ENTRYPOINT ["/tree/x"]',
    'CMD ["/tree/x"]',
    'VOLUME /tree',
    'WORKDIR /tree',
  ])('is none that has settings: %s', async (change) => {
    // As the image is made, with a setting more.
    const archive = join(folder, 'empty.tar');
    writeFileSync(archive, Buffer.alloc(1024));
    await run(engine, 'import', '--change', change, archive, `${REPOSITORY}:${TAG}`);
    const { Id: foreign, RootFS: root } = await docker.getImage(`${REPOSITORY}:${TAG}`).inspect();
    const id = await nothingImage(docker);
    expect((await docker.getImage(id).inspect()).RootFS).toEqual(root);
    expect(id).not.toBe(foreign);
  });
}

const DOCKER = { dockerd: 'docker.io', docker: 'docker.io', busybox: 'busybox-static' };
const PODMAN = { podman: 'podman', busybox: 'busybox-static' };
describeWith(DOCKER, { root: true }, 'the image of no files: Docker Engine', () =>
  suite(() => DockerEngine.start()),
);
describeWith(PODMAN, { root: true }, "the image of no files: Podman's Docker API", () =>
  suite(() => PodmanEngine.start()),
);
