import type { LocalImage, RegistryLogin } from './container-runtime.js';

/** A program that builds images on the engine. */
export interface BuilderProgram {
  /** For people: `docker 20.10.24`. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  /**
   * How it is spoken to: `docker` has BuildKit built in (20.10 to 22), `buildx` is a plugin of it.
   */
  readonly dialect: 'docker' | 'buildx' | 'podman';
}

export interface PushRequest {
  /** Its id. */
  readonly image: string;
  /** Whole: host, repository and tag. */
  readonly reference: string;
  /** For the registry of the reference, and for no other. */
  readonly login?: RegistryLogin | undefined;
}

export type PushResult =
  /** `digest`: of the registry, which has been asked for it. */
  | { readonly kind: 'pushed'; readonly digest: string }
  | {
      readonly kind: 'refused';
      readonly code: 'image_unauthorized' | 'push_failed';
      readonly message: string;
    };

export type KeptImage =
  /** Its digest is its id, as long as no registry has it. */
  | { readonly kind: 'kept'; readonly image: LocalImage }
  /** The engine does not have it. */
  | { readonly kind: 'gone' }
  /** It has not the labels of the group, by which it is known as built here, and removed. */
  | { readonly kind: 'unlabelled' };

/**
 * Port: what a build needs of the engine beside its program, which the caller runs. Adapters:
 * Docker Engine, one that stands where there is none, and a fake for tests.
 *
 * All methods may be called concurrently, and throw `EngineAwayError` where nothing else is said.
 */
export abstract class ImageBuilder {
  /** Undefined: none can be used, see `reason`. */
  abstract readonly program: BuilderProgram | undefined;
  abstract readonly reason: string | undefined;
  /** Of the engine, as `DOCKER_HOST`. */
  abstract readonly host: string;
  /**
   * Labels of images that are built for a group, by which `sweep` of the runtime finds them. They
   * are not those of containers: whoever runs such an image makes a container that has them, too.
   */
  abstract labels(group: string): Readonly<Record<string, string>>;
  /**
   * Gives an image that was built for a group, and has no name yet, one that nobody guesses: it
   * stays until the group is swept. No log tells the name, by which a Dockerfile could use it.
   * Those that the step says are never given to it there: whoever builds `node:22` must not be who
   * others' `node:22` is.
   *
   * @param id as the builder told it
   */
  abstract keep(id: string, group: string): Promise<KeptImage>;
  /**
   * True: the engine has images that were fetched with a log-in, so what lies there is nobody's
   * permission: a build has to ask the registries for all that it is built of.
   */
  abstract mustAskRegistries(): Promise<boolean>;
  /**
   * Pushes an image, and asks the registry what it has got. The engine has the reference for that
   * time only.
   *
   * @throws the signal's reason when it is aborted; the engine stops to push
   */
  abstract push(
    request: PushRequest,
    onProgress: (line: string) => void,
    signal: AbortSignal,
  ): Promise<PushResult>;
}

/** Stands where no images are built. */
export class AbsentBuilder extends ImageBuilder {
  readonly program = undefined;
  readonly host = '';

  constructor(readonly reason: string) {
    super();
  }

  labels(): Readonly<Record<string, string>> {
    return {};
  }

  keep(): Promise<KeptImage> {
    return Promise.resolve({ kind: 'gone' });
  }

  mustAskRegistries(): Promise<boolean> {
    return Promise.resolve(false);
  }

  push(): Promise<PushResult> {
    return Promise.resolve({ kind: 'refused', code: 'push_failed', message: this.reason });
  }
}
