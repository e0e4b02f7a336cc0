import type Docker from 'dockerode';
import { isFor } from '../../common/values/image-platform.js';
import { isOnlyBuilt } from './built-images.js';
import type { ImageRefusal, ImageRequest, ImageResult, LocalImage } from './container-runtime.js';
import type { DockerOptions } from './docker-options.js';
import { pullImage } from './docker-pull.js';
import { findImage, isOf } from './find-image.js';
import { otherPlatform, unproven } from './image-refusals.js';
import { PrivateImages } from './private-images.js';
import { PulledImages } from './pulled-images.js';

const MARK_STAYS = 'the mark of a fetch with a log-in stays beside that of its image';
/** With these a registry has sent nothing; with all others the engine may have got the image. */
const GIVES_NOTHING: ReadonlySet<ImageRefusal['code']> = new Set([
  'image_unauthorized',
  'image_missing',
]);

/** The images of a Docker Engine that steps run in. */
export class DockerImages {
  readonly private: PrivateImages;
  readonly pulled: PulledImages;

  constructor(
    private readonly docker: Docker,
    private readonly options: Pick<DockerOptions, 'installation' | 'report'>,
    /** Of the engine. */
    private readonly platform: () => Promise<string>,
    now: () => number = Date.now,
  ) {
    this.private = new PrivateImages(docker);
    this.pulled = new PulledImages(docker, options, now);
  }

  /** See `ContainerRuntime.provide`. */
  async provide(
    request: ImageRequest,
    onProgress: (line: string) => void,
    signal: AbortSignal,
  ): Promise<ImageResult> {
    const { reference, platform, login } = request;
    const engine = await this.platform();
    const mayBeHere = login === undefined && request.pull !== 'always';
    // Before its mark is looked for: a fetch with a log-in sets that before the image is here.
    const seen = mayBeHere ? await this.find(reference) : undefined;
    const isPrivate = login !== undefined || (await this.private.has(reference));
    if (isPrivate && request.pull === 'never') return unproven(reference);
    const here = isPrivate ? undefined : seen;
    if (here && isFor(here.platform, platform, engine)) {
      if (await this.pulled.use(request, here.id)) return found(here, false);
      return this.provide(request, onProgress, signal);
    }
    if (request.pull === 'never') {
      if (here) return otherPlatform(reference, here.platform, platform, engine);
      const message = `${reference} is not on the worker, and pull: never was asked for`;
      return { kind: 'refused', refusal: { code: 'image_missing', message } };
    }
    signal.throwIfAborted();
    onProgress(`pulling ${reference}`);
    const before = await this.pulled.present();
    const refusal = await this.pull(request, onProgress, signal);
    if (refusal) return { kind: 'refused', refusal };
    const image = await this.find(reference);
    if (image === undefined) {
      const message = `${reference} was pulled, and is gone again`;
      return { kind: 'refused', refusal: { code: 'pull_failed', message } };
    }
    const isThere = await this.pulled.use(request, image.id, before);
    // Engines take the one platform that an image has, whatever they were asked for.
    if (!isFor(image.platform, platform, engine)) {
      return otherPlatform(reference, image.platform, platform, engine);
    }
    if (isThere) return found(image, true);
    return this.provide(request, onProgress, signal);
  }

  /** With a log-in its image is private from now on, unless the registry refuses it. */
  private async pull(
    request: ImageRequest,
    onProgress: (line: string) => void,
    signal: AbortSignal,
  ): Promise<ImageRefusal | undefined> {
    if (request.login === undefined) return pullImage(this.docker, request, onProgress, signal);
    const fetch = await this.private.begin(request.reference);
    let refusal: ImageRefusal | undefined;
    try {
      refusal = await pullImage(this.docker, request, onProgress, signal);
    } catch (error) {
      // Where this fails, too, the mark of the fetch stays, which says the same.
      await fetch.over().catch((why: unknown) => this.options.report(MARK_STAYS, why));
      throw error;
    }
    const isRefused = refusal !== undefined && GIVES_NOTHING.has(refusal.code);
    await (isRefused ? fetch.refused() : fetch.over());
    return refusal;
  }

  /** What the engine has under the name; what was only built and called so is not it. */
  private find(reference: string): Promise<LocalImage | undefined> {
    return findImage(this.docker, reference, (image) =>
      isOnlyBuilt(image, (digest) => isOf(digest, reference)),
    );
  }
}

function found(image: LocalImage, pulled: boolean): ImageResult {
  return { kind: 'image', image, pulled };
}
