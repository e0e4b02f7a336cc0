import type Docker from 'dockerode';
import { createHash } from 'node:crypto';
import { asked, orGone } from './docker-errors.js';

/** Repository of the marks, on the engine: all who use it see them. No registry has the name. */
const MARKS = 'millrace.invalid/with-login';
const HASH_LENGTH = 32;

/**
 * Names of images that were fetched with a log-in. Whoever uses one of them later must prove access
 * again: that it lies on the engine is nobody's permission.
 */
export class PrivateImages {
  /** None is ever taken back from an engine that keeps its data. */
  private readonly known = new Set<string>();

  constructor(
    private readonly docker: Docker,
    /** Makes sure of some image, and gives its name: it is what the marks name. */
    private readonly anImage: () => Promise<string>,
  ) {}

  /** The engine may have lost its marks: it is asked again. */
  forget(): void {
    this.known.clear();
  }

  async has(reference: string): Promise<boolean> {
    const mark = markOf(reference);
    if (this.known.has(mark)) return true;
    const found = await orGone(this.docker.getImage(`${MARKS}:${mark}`).inspect());
    if (found !== undefined) this.known.add(mark);
    return found !== undefined;
  }

  /** Whether there are any. */
  async isAny(): Promise<boolean> {
    if (this.known.size > 0) return true;
    const marks = await asked(this.docker.listImages({ filters: { reference: [MARKS] } }));
    return marks.length > 0;
  }

  /** Before it is fetched: nobody sees it without the mark. */
  async add(reference: string): Promise<void> {
    const mark = markOf(reference);
    if (this.known.has(mark)) return;
    const image = this.docker.getImage(await this.anImage());
    await asked(image.tag({ repo: MARKS, tag: mark }));
    this.known.add(mark);
  }
}

/** Of the repository: whoever may fetch one tag of it has proved nothing of another's rights. */
function markOf(reference: string): string {
  const repository = reference.replace(/@.*$/, '').replace(/:[^:/]*$/, '');
  return createHash('sha256').update(repository).digest('hex').slice(0, HASH_LENGTH);
}
