import type Docker from 'dockerode';
import { randomUUID } from 'node:crypto';
import { asked, orGone } from './docker-errors.js';
import { BUILT_LABELS } from './docker-labels.js';

/** Repository of what is built, on the engine. No registry has the name. */
const BUILT = 'millrace.invalid/built';

/** A name that nobody guesses: what lies under it is for the execution that built it. */
export function newBuiltName(): string {
  return `${BUILT}:${randomUUID()}`;
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
 * them another one, or runs them. Layers stay with the builder, by its own rules.
 */
export async function removeBuilt(
  docker: Docker,
  labels: Readonly<Record<string, string>>,
  isWanted: (image: Docker.ImageInfo) => boolean = () => true,
): Promise<void> {
  const names = (await listBuilt(docker, labels))
    .filter(isWanted)
    .flatMap(({ RepoTags: tags }) => tags ?? [])
    .filter(isBuiltName);
  await Promise.all(names.map((name) => orGone(docker.getImage(name).remove())));
}
