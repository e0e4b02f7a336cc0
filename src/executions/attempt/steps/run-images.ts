import { type ContainerAction } from '../../../engine/steps/container/container-action.js';
import { imageReference, parseImageName } from '../../../engine/steps/container/image-name.js';
import type {
  ContainerRuntime,
  ImageRefusal,
  ImageRequest,
  ImageResult,
  LocalImage,
} from '../../../integrations/container-runtime/container-runtime.js';
import type { KeptImage } from '../../suspension/suspended-run.js';
import { BuiltNames } from './built-names.js';
import type { RegistryAccess } from './registry-access.js';

type Wanted = Pick<ContainerAction, 'image' | 'platform' | 'pull'>;

/** Why an image is not used; codes as in docs/reasons.md. */
export interface ImageRefused {
  readonly code: ImageRefusal['code'] | 'registry_refused' | 'image_changed';
  readonly message: string;
}

export type FoundImage =
  | { readonly kind: 'image'; readonly image: LocalImage }
  | { readonly kind: 'refused'; readonly refusal: ImageRefused };

/** Refusals that another try may overcome. */
export const PASSING: ReadonlySet<ImageRefused['code']> = new Set(['pull_stalled', 'pull_failed']);

type FoundResult =
  | Extract<ImageResult, { kind: 'image' }>
  | { readonly kind: 'refused'; readonly refusal: ImageRefused };

/**
 * The images of one execution attempt: what a name led to first is what all its steps run in,
 * wherever the tag goes meanwhile.
 */
export class RunImages {
  private readonly found = new Map<string, LocalImage>();
  private readonly pinned: ReadonlyMap<string, KeptImage>;

  constructor(
    private readonly runtime: ContainerRuntime,
    /** Name of the group of the execution attempt: its images stay until it is swept. */
    private readonly group: string,
    readonly access: RegistryAccess,
    /** Registries that images may come from, normalised; undefined: any. */
    private readonly allowed: readonly string[] | undefined,
    readonly built: BuiltNames = new BuiltNames(),
    /** Of earlier runs of the execution. */
    pinned: readonly KeptImage[] = [],
  ) {
    this.pinned = new Map(pinned.map((one) => [one.key, one]));
  }

  /** What names lead to here, for runs that continue this one. */
  pins(): readonly KeptImage[] {
    const all = new Map(this.pinned);
    for (const [key, { id, digest }] of this.found) {
      all.set(key, { key, digest, isOwnId: id === digest });
    }
    for (const [name, { id, digest }] of this.built.entries()) {
      const key = builtKeyOf(name);
      const isOnlyHere = this.built.isOnlyHere(name);
      all.set(key, { key, digest, isOwnId: id === digest, isOnlyHere });
    }
    return [...all.values()];
  }

  /** @throws EngineAwayError, or the reason of the signal */
  async find(
    { image, platform, pull = 'missing' }: Wanted,
    onProgress: (line: string) => void,
    signal: AbortSignal,
  ): Promise<FoundImage> {
    const name = parseImageName(image);
    if (name === undefined) {
      const message = `"${image}" is no name of an image`;
      return { kind: 'refused', refusal: { code: 'image_missing', message } };
    }
    const reference = imageReference(name);
    const own = pull === 'always' ? undefined : this.built.get(reference);
    if (own) return { kind: 'image', image: own };
    const earlier = pull === 'always' ? undefined : this.pinned.get(builtKeyOf(reference));
    if (earlier?.isOnlyHere === true) return { kind: 'refused', refusal: notKept(image, earlier) };
    const { registry } = name;
    if (this.allowed?.includes(registry) === false) {
      const message = `images may not come from ${registry} here (REGISTRIES)`;
      return { kind: 'refused', refusal: { code: 'registry_refused', message } };
    }
    const key = keyOf(reference, platform);
    const known = this.found.get(key);
    if (known) return { kind: 'image', image: known };
    const login = this.access.loginFor(registry);
    const request = { group: this.group, reference, platform, pull, login };
    // What an earlier run has built stands for the name on every platform, as it did there.
    const pin = earlier ?? this.pinned.get(key);
    const provide = (one: ImageRequest): Promise<ImageResult> =>
      this.runtime.provide(one, onProgress, signal);
    const result: FoundResult =
      pin === undefined
        ? await provide(request)
        : await providePinned(
            pin,
            request,
            imageReference({ ...name, digest: pin.digest }),
            provide,
          );
    if (result.kind === 'refused') return result;
    // Of two steps at once the first one says.
    const first = this.found.get(key) ?? result.image;
    this.found.set(key, first);
    if (result.pulled) onProgress(`pulled ${image}: ${first.digest}`);
    return { kind: 'image', image: first };
  }
}

/** Whatever the tag leads to meanwhile: the image that it led to, or none. */
async function providePinned(
  { digest, isOwnId }: KeptImage,
  request: ImageRequest,
  byDigest: string,
  provide: (request: ImageRequest) => Promise<ImageResult>,
): Promise<FoundResult> {
  const byTag = { ...request, pull: request.pull === 'never' ? 'never' : 'missing' } as const;
  const exact = { ...byTag, reference: byDigest };
  // A registry knows no id of an engine: what was built here is found by its name.
  let last: ImageResult | undefined;
  for (const one of isOwnId ? [byTag, exact] : [exact, byTag]) {
    last = await provide(one);
    if (last.kind === 'image' && last.image.digest === digest) return last;
    if (last.kind === 'refused' && PASSING.has(last.refusal.code)) return last;
  }
  // Only whoever may not fetch it is told something else.
  if (last?.kind === 'refused' && last.refusal.code === 'image_unauthorized') return last;
  const { reference } = request;
  const message = `${reference} was ${digest} before this execution waited, which is not to be had any more: the rest of it does not run in another image`;
  return { kind: 'refused', refusal: { code: 'image_changed', message } };
}

function notKept(image: string, { digest }: KeptImage): ImageRefused {
  const message = `${image} was built before this execution waited (${digest}) and not pushed, so it is gone: push it (push: true), or build it again behind the approval`;
  return { code: 'image_missing', message };
}

/** Of what the execution has built; no key of another image is the same. */
function builtKeyOf(reference: string): string {
  return `built ${reference}`;
}

function keyOf(reference: string, platform = ''): string {
  return `${platform} ${reference}`;
}
