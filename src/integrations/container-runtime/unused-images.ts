const DAY_MS = 86_400_000;
/**
 * An image is not removed for so long after its last use, whatever the limits say. Who works with
 * one notes it again four times in this time.
 */
export const KEPT_MS = 7_200_000;

/** An image that Millrace fetched. */
export interface PulledImage {
  readonly id: string;
  readonly bytes: number;
  /** By any installation; ms, as `Date.now()`. */
  readonly usedAt: number;
  /** There is a container of it, running or not. */
  readonly hasContainer: boolean;
}

export interface ImageLimits {
  readonly days: number;
  /** Of all that were fetched, together. */
  readonly maxBytes: number;
}

export interface UnusedImage<T extends PulledImage> {
  readonly image: T;
  readonly why: string;
}

/** Which images go, and why: first what is too old, then what was not used for longest. */
export function unusedImages<T extends PulledImage>(
  images: readonly T[],
  { days, maxBytes }: ImageLimits,
  now: number,
): readonly UnusedImage<T>[] {
  const unused: UnusedImage<T>[] = [];
  let bytes = images.reduce((all, image) => all + image.bytes, 0);
  const removable = images
    .filter(({ hasContainer, usedAt }) => !hasContainer && usedAt <= now - KEPT_MS)
    .sort((one, other) => one.usedAt - other.usedAt);
  for (const image of removable) {
    const isOld = image.usedAt <= now - days * DAY_MS;
    if (!isOld && bytes <= maxBytes) break;
    const why = isOld ? `not used for ${days} days` : `images take ${bytes} of ${maxBytes} bytes`;
    unused.push({ image, why });
    bytes -= image.bytes;
  }
  return unused;
}
