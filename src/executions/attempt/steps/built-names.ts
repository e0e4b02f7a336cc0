import type { LocalImage } from '../../../integrations/container-runtime/container-runtime.js';

/**
 * What one execution attempt has built, by the names that its steps gave: for its own later steps,
 * and for nobody else.
 */
export class BuiltNames {
  private readonly images = new Map<string, LocalImage>();

  /** @param reference whole, see `imageReference`; the last build of it counts */
  add(reference: string, image: LocalImage): void {
    this.images.set(reference, image);
  }

  get(reference: string): LocalImage | undefined {
    return this.images.get(reference);
  }
}
