import type Docker from 'dockerode';
import { asked, orGone } from './docker-errors.js';
import { forgetDead, whileLeaving } from './leaving-images.js';
import type { PulledImages } from './pulled-images.js';
import { newMark, type PulledMark, referenceHash, wholeId } from './pulled-mark.js';
import { type ImageLimits, KEPT_MS, type PulledImage, unusedImages } from './unused-images.js';

/** An image that was removed. */
export interface RemovedImage {
  /** Its names that went; its id where it had none. */
  readonly names: readonly string[];
  readonly bytes: number;
  readonly why: string;
}

/** Removes images that Millrace fetched for an installation, and that nobody uses. */
export class ImageCleaner {
  constructor(
    private readonly docker: Docker,
    private readonly pulled: PulledImages,
    private readonly installation: string,
    private readonly now: () => number = Date.now,
  ) {}

  /** Removes what is too old or too much. Any number of processes may do so at once. */
  async clean(limits: ImageLimits): Promise<readonly RemovedImage[]> {
    await forgetDead(this.docker);
    const removed: RemovedImage[] = [];
    for (const { image, why } of unusedImages(await this.candidates(), limits, this.now())) {
      const names = await whileLeaving(this.docker, image.id, () => this.remove(image));
      if (names.length > 0) removed.push({ names, bytes: image.bytes, why });
    }
    return removed;
  }

  /** What this installation fetched or found fetched, and is there. */
  private async candidates(): Promise<readonly PulledImage[]> {
    const marks = await this.pulled.marks();
    const [images, containers] = await Promise.all([
      asked(this.docker.listImages()),
      asked(this.docker.listContainers({ all: true })),
    ]);
    const byId = new Map(images.map((image) => [wholeId(image.Id), image]));
    await this.pulled.forget(marks.filter(({ imageId }) => !byId.has(imageId)));
    const withContainer = new Set(containers.map(({ ImageID: id }) => wholeId(id)));
    const { installation } = newMark(this.installation, '', '', 0);
    const own = new Set(
      marks.filter((mark) => mark.installation === installation).map(({ imageId }) => imageId),
    );
    return [...own].flatMap((id) => {
      const image = byId.get(id);
      if (image === undefined) return [];
      const { Size: bytes } = image;
      return { id, bytes, usedAt: lastUse(marks, id), hasContainer: withContainer.has(id) };
    });
  }

  /**
   * Takes the names that Millrace fetched it under from an image, and so removes it where nobody
   * has given it another one. Never by force: an engine keeps what has a container, or is part of
   * another image.
   *
   * @returns what went
   */
  private async remove({ id }: PulledImage): Promise<readonly string[]> {
    const marks = (await this.pulled.marks()).filter(({ imageId }) => imageId === id);
    if (lastUse(marks, id) > this.now() - KEPT_MS) return [];
    const image = await orGone(this.docker.getImage(id).inspect());
    const names = image?.RepoTags ?? [];
    const fetched = new Set(marks.map(({ reference }) => reference));
    const own = names.filter((name) => fetched.has(referenceHash(name)));
    // Fetched by its digest, or its tag has moved on.
    const wanted = names.length === 0 ? [id] : own;
    const gone: string[] = [];
    for (const name of wanted) {
      const answer: unknown = await orGone(this.docker.getImage(name).remove());
      if (answer !== undefined) gone.push(name);
    }
    const isKept = gone.length < wanted.length && (await this.isThere(id));
    if (!isKept) await this.pulled.forget(marks);
    return gone;
  }

  private async isThere(id: string): Promise<boolean> {
    return (await orGone(this.docker.getImage(id).inspect())) !== undefined;
  }
}

function lastUse(marks: readonly PulledMark[], id: string): number {
  return Math.max(0, ...marks.filter(({ imageId }) => imageId === id).map(({ usedAt }) => usedAt));
}
