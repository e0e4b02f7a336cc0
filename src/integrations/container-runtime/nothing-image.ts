import type Docker from 'dockerode';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { asked, orGone } from './docker-errors.js';

/** No pipeline can say it (`parseImageName`); whoever else may name images may give it away. */
const NAME = 'millrace.invalid/nothing:1';
/** A tar archive without entries is two blocks of zeros. */
const NO_FILES = Buffer.alloc(1024);
/** What the engines call a layer that is this archive. */
const EMPTY_LAYER = `sha256:${createHash('sha256').update(NO_FILES).digest('hex')}`;

/**
 * Makes sure of an image of no files at all, and gives its id: containers with rights of root are
 * made of it, and the name alone would be anybody's word for what it is. Its further names are
 * marks, which all who use the engine see.
 *
 * @throws Error when the engine makes another image of it
 */
export async function nothingImage(docker: Docker): Promise<string> {
  // Made again, it would leave the one before without a name.
  const found = await idOfNothing(docker);
  if (found !== undefined) return found;
  const made = await asked(docker.importImage(Readable.from([NO_FILES]), { repo: NAME }));
  await buffer(made as Readable);
  const id = await idOfNothing(docker);
  if (id === undefined) throw new Error(`the engine's image ${NAME} is not the one of no files`);
  return id;
}

/** Undefined: the name is nobody's, or that of something else. */
async function idOfNothing(docker: Docker): Promise<string | undefined> {
  const image = await orGone(docker.getImage(NAME).inspect());
  return image && isNothing(image) ? image.Id : undefined;
}

/** Neither its files nor its settings may say what such a container does. */
function isNothing({ RootFS: root, Config: config }: Docker.ImageInspectInfo): boolean {
  const { Entrypoint, Cmd, Env, Volumes, Healthcheck, OnBuild, WorkingDir } = config as Settings;
  const said = [Entrypoint, Cmd, Volumes, Healthcheck, OnBuild].flatMap((one) =>
    Object.keys(one ?? {}),
  );
  const variables = (Env ?? []).filter((word) => !word.startsWith('PATH='));
  const hasNoFiles = (root?.Layers ?? []).every((layer) => layer === EMPTY_LAYER);
  return hasNoFiles && said.length + variables.length === 0 && ['', '/'].includes(WorkingDir ?? '');
}

/** Of an image; the engines say `null`, and nothing, for what it does not set. */
interface Settings {
  readonly Entrypoint?: string | readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly Env?: readonly string[] | null;
  readonly Volumes?: object | null;
  readonly Healthcheck?: object | null;
  readonly OnBuild?: readonly string[] | null;
  readonly WorkingDir?: string | null;
}

/** Tags of a repository whose names are marks of one kind, whatever image has them. */
export async function readMarks(docker: Docker, repository: string): Promise<readonly string[]> {
  const marked = await asked(docker.listImages({ filters: { reference: [repository] } }));
  const start = `${repository}:`;
  return marked
    .flatMap(({ RepoTags: names }) => names ?? [])
    .flatMap((name) => (name.startsWith(start) ? name.slice(start.length) : []));
}

/** Idempotent. */
export async function setMark(docker: Docker, repository: string, tag: string): Promise<void> {
  const image = docker.getImage(await nothingImage(docker));
  await asked(image.tag({ repo: repository, tag }));
}

/** Idempotent. */
export async function unsetMark(docker: Docker, repository: string, tag: string): Promise<void> {
  await orGone(docker.getImage(`${repository}:${tag}`).remove());
}
