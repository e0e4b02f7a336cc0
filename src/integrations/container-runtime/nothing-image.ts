import type Docker from 'dockerode';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { asked, orGone } from './docker-errors.js';

/** No pipeline can say it (`parseImageName`): containers with rights of root are made of it. */
const NAME = 'millrace.invalid/nothing:1';
/** A tar archive without entries is two blocks of zeros. */
const NO_FILES = Buffer.alloc(1024);

/**
 * Makes sure of an image of no files at all, and gives its name. Containers of it are made and
 * never started; and its further names are marks, which all who use the engine see.
 */
export async function nothingImage(docker: Docker): Promise<string> {
  // Made again, it would leave the one before without a name.
  if (await orGone(docker.getImage(NAME).inspect())) return NAME;
  const made = await asked(docker.importImage(Readable.from([NO_FILES]), { repo: NAME }));
  await buffer(made as Readable);
  return NAME;
}

/** Tags of a repository that are names of that image: marks of one kind. */
export async function readMarks(docker: Docker, repository: string): Promise<readonly string[]> {
  const image = await orGone(docker.getImage(NAME).inspect());
  const start = `${repository}:`;
  return (image?.RepoTags ?? []).flatMap((name) =>
    name.startsWith(start) ? name.slice(start.length) : [],
  );
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
