import type Docker from 'dockerode';
import { randomUUID } from 'node:crypto';
import { asked, orGone } from './docker-errors.js';
import { BUILT_LABELS } from './docker-labels.js';
import { findImage } from './find-image.js';
import type { KeptImage } from './image-builder.js';

/** Repository of what is built, on the engine. No registry has the name. */
const BUILT = 'millrace.invalid/built';

/**
 * See `ImageBuilder.keep`. What an image is known by was said by its builder, and a frontend that a
 * Dockerfile names (`# syntax=`) may have left it out.
 */
export async function keepBuilt(
  docker: Docker,
  id: string,
  labels: Readonly<Record<string, string>>,
): Promise<KeptImage> {
  const built = await orGone(docker.getImage(id).inspect());
  if (built === undefined) return { kind: 'gone' };
  if (!hasLabels(built, labels)) {
    if ((built.RepoTags ?? []).length === 0) await orGone(docker.getImage(built.Id).remove());
    return { kind: 'unlabelled' };
  }
  const tag = randomUUID();
  await orGone(docker.getImage(built.Id).tag({ repo: BUILT, tag }));
  const image = await findImage(docker, `${BUILT}:${tag}`);
  return image === undefined ? { kind: 'gone' } : { kind: 'kept', image };
}

function hasLabels(
  { Config: { Labels: has } }: Docker.ImageInspectInfo,
  labels: Readonly<Record<string, string>>,
): boolean {
  const all = new Map(Object.entries(has ?? {}));
  return Object.entries(labels).every(([name, value]) => all.get(name) === value);
}

export function isBuiltName(name: string): boolean {
  return name.startsWith(`${BUILT}:`);
}

/**
 * Whether an image was built here, and came from no registry under this name: that somebody has
 * called it so is nobody's word for what it is.
 *
 * @param isDigestOf whether a digest is one of the name's repository
 */
export function isOnlyBuilt(
  image: Pick<Docker.ImageInspectInfo, 'RepoDigests'> & {
    readonly Config: { readonly Labels?: Readonly<Record<string, string>> | null };
  },
  isDigestOf: (repoDigest: string) => boolean,
): boolean {
  const labels = new Map(Object.entries(image.Config.Labels ?? {}));
  return labels.has(BUILT_LABELS.installation) && image.RepoDigests?.some(isDigestOf) !== true;
}

/** All images with these labels. */
export function listBuilt(
  docker: Docker,
  labels: Readonly<Record<string, string>>,
): Promise<Docker.ImageInfo[]> {
  const label = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return asked(docker.listImages({ filters: { label } }));
}

/**
 * Takes their names from images that were built, and so removes them where nobody else has given
 * them another one, or runs them; and removes those that have no name: whoever built them died
 * before `keepBuilt`. Layers stay with the builder, by its own rules.
 */
export async function removeBuilt(
  docker: Docker,
  labels: Readonly<Record<string, string>>,
  isWanted: (image: Docker.ImageInfo) => boolean = () => true,
): Promise<void> {
  const names = (await listBuilt(docker, labels)).filter(isWanted).flatMap(namesToRemove);
  await Promise.all(names.map((name) => orGone(docker.getImage(name).remove())));
}

function namesToRemove({ Id: id, RepoTags: tags }: Docker.ImageInfo): readonly string[] {
  const names = (tags ?? []).filter((name) => name !== '<none>:<none>');
  return names.length === 0 ? [id] : names.filter(isBuiltName);
}
