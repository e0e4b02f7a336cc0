import type { LocalImage } from '../../../integrations/container-runtime/container-runtime.js';

/**
 * What one execution attempt has built, by the names that its steps gave: for its own later steps,
 * and for nobody else.
 */
export class BuiltNames {
  private readonly images = new Map<string, LocalImage>();

  private readonly pushed = new Set<string>();

  /** @param reference whole, see `imageReference`; the last build of it counts */
  add(reference: string, image: LocalImage, isPushed: boolean): void {
    this.images.set(reference, image);
    if (isPushed) this.pushed.add(reference);
    else this.pushed.delete(reference);
  }

  /** Whether it was built, and no registry was given it. */
  isOnlyHere(reference: string): boolean {
    return this.images.has(reference) && !this.pushed.has(reference);
  }

  get(reference: string): LocalImage | undefined {
    return this.images.get(reference);
  }

  entries(): readonly (readonly [reference: string, LocalImage])[] {
    return [...this.images];
  }
}
