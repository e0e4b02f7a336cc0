import type Docker from 'dockerode';
import { setTimeout as delay } from 'node:timers/promises';
import { PeriodicTask } from '../../common/async/periodic-task.js';
import type { ImageRequest } from './container-runtime.js';
import { asked, orGone } from './docker-errors.js';
import { isLeaving } from './leaving-images.js';
import type { DockerOptions } from './docker-options.js';
import { readMarks, setMark, unsetMark } from './nothing-image.js';
import { formatMark, newMark, parseMark, type PulledMark, wholeId } from './pulled-mark.js';
import { KEPT_MS } from './unused-images.js';

/** Repository of the marks, on the engine: all who use it see them. No registry has the name. */
const PULLED = 'millrace.invalid/pulled';
/** A use is noted again after so long, ms. */
const NOTE_MS = KEPT_MS / 4;
/** Between two looks at an image that is being removed, ms. */
const LOOK_MS = 200;

type Use = Pick<ImageRequest, 'reference' | 'group'>;

/**
 * Which images Millrace fetched, and when each was used last. An image cannot be labelled when it
 * is fetched, so marks on the engine say it; any number of workers and installations note their
 * uses.
 */
export class PulledImages {
  /** References of images by id, that the groups of this process have found. */
  private readonly held = new Map<string, Map<string, string>>();
  private readonly task = new PeriodicTask(() => this.tryNoteHeld(), {
    everyMs: NOTE_MS / 2,
    unref: true,
  });

  constructor(
    private readonly docker: Docker,
    private readonly options: Pick<DockerOptions, 'installation' | 'report'>,
    private readonly now: () => number = Date.now,
  ) {
    this.task.start();
  }

  /** Ids of all images. What is among them before a pull did not come by it. */
  async present(): Promise<ReadonlySet<string>> {
    const images = await asked(this.docker.listImages());
    return new Set(images.map(({ Id: id }) => wholeId(id)));
  }

  /**
   * Notes that an image is used, and after that from time to time until `release` of the group.
   * False: it has just been removed.
   *
   * @param before what was there before it was fetched; absent: it was not fetched
   */
  async use(
    { reference, group }: Use,
    imageId: string,
    before?: ReadonlySet<string>,
  ): Promise<boolean> {
    const images = this.held.get(group) ?? new Map<string, string>();
    this.held.set(group, images.set(imageId, reference));
    const isNew = before?.has(wholeId(imageId)) === false;
    const noted = await this.note(reference, imageId, isNew);
    // Whoever removes it has said so before looking for this note.
    return noted === 'fresh' || this.stays(imageId);
  }

  /** The group is over. */
  release(group: string): void {
    this.held.delete(group);
  }

  /** Notes again what the groups of this process use. */
  async noteHeld(): Promise<void> {
    for (const images of [...this.held.values()]) {
      for (const [imageId, reference] of images) await this.note(reference, imageId, false);
    }
  }

  /** Notes nothing by itself any more. */
  async close(): Promise<void> {
    await this.task.stop();
  }

  async marks(): Promise<readonly PulledMark[]> {
    const tags = await readMarks(this.docker, PULLED);
    return tags.flatMap((tag) => parseMark(tag) ?? []);
  }

  /** For images that are gone, or that are Millrace's no more. */
  async forget(marks: readonly PulledMark[]): Promise<void> {
    for (const mark of marks) await unsetMark(this.docker, PULLED, formatMark(mark));
  }

  private async tryNoteHeld(): Promise<void> {
    try {
      await this.noteHeld();
    } catch (error) {
      // The next turn comes long before an image may be removed.
      this.options.report('the use of images was not noted', error);
    }
  }

  /** `foreign`: Millrace has not fetched it. */
  private async note(
    reference: string,
    imageId: string,
    isNew: boolean,
  ): Promise<'fresh' | 'noted' | 'foreign'> {
    const mark = newMark(this.options.installation, reference, imageId, this.now());
    const ofImage = (await this.marks()).filter((one) => one.imageId === mark.imageId);
    const own = ofImage.filter(
      (one) => one.installation === mark.installation && one.reference === mark.reference,
    );
    if (own.some(({ usedAt }) => usedAt > this.now() - NOTE_MS)) return 'fresh';
    if (ofImage.length === 0 && !isNew) return 'foreign';
    await setMark(this.docker, PULLED, formatMark(mark));
    await this.forget(own);
    return 'noted';
  }

  private async stays(imageId: string): Promise<boolean> {
    while (await isLeaving(this.docker, imageId)) await delay(LOOK_MS);
    return (await orGone(this.docker.getImage(imageId).inspect())) !== undefined;
  }
}
