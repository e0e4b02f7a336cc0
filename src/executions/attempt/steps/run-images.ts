import { type ContainerAction } from '../../../engine/steps/container/container-action.js';
import { imageReference, parseImageName } from '../../../engine/steps/container/image-name.js';
import type {
  ContainerRuntime,
  ImageRefusal,
  LocalImage,
} from '../../../integrations/container-runtime/container-runtime.js';
import { BuiltNames } from './built-names.js';
import type { RegistryAccess } from './registry-access.js';

type Wanted = Pick<ContainerAction, 'image' | 'platform' | 'pull'>;

/** Why an image is not used; codes as in docs/reasons.md. */
export interface ImageRefused {
  readonly code: ImageRefusal['code'] | 'registry_refused';
  readonly message: string;
}

export type FoundImage =
  | { readonly kind: 'image'; readonly image: LocalImage }
  | { readonly kind: 'refused'; readonly refusal: ImageRefused };

/**
 * The images of one execution attempt: what a name led to first is what all its steps run in,
 * wherever the tag goes meanwhile.
 */
export class RunImages {
  private readonly found = new Map<string, LocalImage>();

  constructor(
    private readonly runtime: ContainerRuntime,
    /** Name of the group of the execution attempt: its images stay until it is swept. */
    private readonly group: string,
    readonly access: RegistryAccess,
    /** Registries that images may come from, normalised; undefined: any. */
    private readonly allowed: readonly string[] | undefined,
    readonly built: BuiltNames = new BuiltNames(),
  ) {}

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
    const { registry } = name;
    if (this.allowed?.includes(registry) === false) {
      const message = `images may not come from ${registry} here (REGISTRIES)`;
      return { kind: 'refused', refusal: { code: 'registry_refused', message } };
    }
    const key = `${platform ?? ''} ${reference}`;
    const known = this.found.get(key);
    if (known) return { kind: 'image', image: known };
    const login = this.access.loginFor(registry);
    const request = { group: this.group, reference, platform, pull, login };
    const result = await this.runtime.provide(request, onProgress, signal);
    if (result.kind === 'refused') return result;
    // Of two steps at once the first one says.
    const first = this.found.get(key) ?? result.image;
    this.found.set(key, first);
    if (result.pulled) onProgress(`pulled ${image}: ${first.digest}`);
    return { kind: 'image', image: first };
  }
}
