/**
 * The first bytes of each body, which are not counted: nearly all bodies are smaller, and none of
 * those waits for large ones.
 */
const FREE_BYTES = 64 * 1024;

/**
 * What all bodies that are being read may hold together, so that many large ones at once do not
 * take all memory. Only what a body has beyond its first 64 KiB counts.
 */
export class BodyBudget {
  private used = 0;

  constructor(
    private readonly maxBytes: number,
    private readonly whole?: BodyBudget,
  ) {}

  /** A budget of at most `maxBytes`, all of which counts for this one too. */
  part(maxBytes: number): BodyBudget {
    return new BodyBudget(maxBytes, this);
  }

  /** A share for one body, with nothing in it. */
  open(): BodyShare {
    let taken = 0;
    const ofWhole = this.whole?.open();
    return {
      grow: (size) => {
        const wanted = Math.max(0, size - FREE_BYTES);
        if (this.used - taken + wanted > this.maxBytes) return false;
        if (ofWhole?.grow(size) === false) return false;
        this.used += wanted - taken;
        taken = wanted;
        return true;
      },
      release: () => {
        this.used -= taken;
        taken = 0;
        ofWhole?.release();
      },
    };
  }
}

export interface BodyShare {
  /** Tells how large the body is by now, bytes; false: there is no room for it. */
  grow(size: number): boolean;
  /** Gives all of it back; may be called again. */
  release(): void;
}
