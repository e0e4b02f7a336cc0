import type Docker from 'dockerode';
import { createHash, randomUUID } from 'node:crypto';
import { asked, orGone } from './docker-errors.js';
import { readMarks, setMark, unsetMark } from './nothing-image.js';

/** Repository of the marks, on the engine: all who use it see them. No registry has the name. */
const MARKS = 'millrace.invalid/with-login';
const HASH_LENGTH = 32;

/** A fetch with a log-in that has begun: as long as it lasts its image is marked. */
export interface FetchWithLogin {
  /** The registry gave nothing for this log-in: the mark of this fetch goes. */
  refused(): Promise<void>;
  /** All other ends, also those of which nobody knows what the engine has got: the mark stays. */
  over(): Promise<void>;
}

/**
 * Names of images that were fetched with a log-in. Whoever uses one of them later must prove access
 * again: that it lies on the engine is nobody's permission.
 */
export class PrivateImages {
  /** None is ever taken back from an engine that keeps its data. */
  private readonly known = new Set<string>();

  constructor(private readonly docker: Docker) {}

  /** The engine may have lost its marks: it is asked again. */
  forget(): void {
    this.known.clear();
  }

  async has(reference: string): Promise<boolean> {
    const mark = markOf(reference);
    if (this.known.has(mark)) return true;
    // First: a fetch that ends meanwhile has set the mark that stays before it took its own away.
    const tags = await readMarks(this.docker, MARKS);
    if (tags.some((tag) => tag.startsWith(`${mark}.`))) return true;
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

  /**
   * Before it is fetched: nobody sees it without a mark. The mark of a fetch is its own, so that
   * one that is refused takes none away of another one. That of a worker that is killed stays.
   */
  async begin(reference: string): Promise<FetchWithLogin> {
    const mark = markOf(reference);
    const own = `${mark}.${randomUUID()}`;
    await setMark(this.docker, MARKS, own);
    const end = (): Promise<void> => unsetMark(this.docker, MARKS, own);
    return {
      refused: end,
      over: async () => {
        await setMark(this.docker, MARKS, mark);
        this.known.add(mark);
        await end();
      },
    };
  }
}

/** Of the repository: whoever may fetch one tag of it has proved nothing of another's rights. */
function markOf(reference: string): string {
  const repository = reference.replace(/@.*$/, '').replace(/:[^:/]*$/, '');
  return createHash('sha256').update(repository).digest('hex').slice(0, HASH_LENGTH);
}
