import type Docker from 'dockerode';
import { isOnlyBuilt } from './built-images.js';
import type { ImageRequest, ImageResult } from './container-runtime.js';
import type { DockerOptions } from './docker-options.js';
import { pullImage } from './docker-pull.js';
import { findImage, type FoundImage, isOf } from './find-image.js';
import { nothingImage } from './nothing-image.js';
import { PrivateImages } from './private-images.js';
import { PulledImages } from './pulled-images.js';

/** The images of a Docker Engine that steps run in. */
export class DockerImages {
  readonly private: PrivateImages;
  readonly pulled: PulledImages;

  constructor(
    private readonly docker: Docker,
    options: Pick<DockerOptions, 'installation' | 'report'>,
    now: () => number = Date.now,
  ) {
    this.private = new PrivateImages(docker, () => nothingImage(docker));
    this.pulled = new PulledImages(docker, options, now);
  }

  /** See `ContainerRuntime.provide`. */
  async provide(
    request: ImageRequest,
    onProgress: (line: string) => void,
    signal: AbortSignal,
  ): Promise<ImageResult> {
    const { reference, platform, login } = request;
    if (login) await this.private.add(reference);
    const isPrivate = login !== undefined || (await this.private.has(reference));
    if (isPrivate && request.pull === 'never') return unproven(reference);
    const mayBeHere = !isPrivate && request.pull !== 'always';
    const here = mayBeHere ? await this.find(reference) : undefined;
    if (here && isFor(here, platform)) {
      if (await this.pulled.use(request, here.id)) return found(here, false);
      return this.provide(request, onProgress, signal);
    }
    if (request.pull === 'never') {
      if (here) return otherPlatform(reference, here, platform);
      const message = `${reference} is not on the worker, and pull: never was asked for`;
      return { kind: 'refused', refusal: { code: 'image_missing', message } };
    }
    signal.throwIfAborted();
    onProgress(`pulling ${reference}`);
    const before = await this.pulled.present();
    const refusal = await pullImage(this.docker, request, onProgress, signal);
    if (refusal) return { kind: 'refused', refusal };
    const image = await this.find(reference);
    if (image === undefined) {
      const message = `${reference} was pulled, and is gone again`;
      return { kind: 'refused', refusal: { code: 'pull_failed', message } };
    }
    const isThere = await this.pulled.use(request, image.id, before);
    // Engines take the one platform that an image has, whatever they were asked for.
    if (!isFor(image, platform)) return otherPlatform(reference, image, platform);
    if (isThere) return found(image, true);
    return this.provide(request, onProgress, signal);
  }

  /** What the engine has under the name; what was only built and called so is not it. */
  private find(reference: string): Promise<FoundImage | undefined> {
    return findImage(this.docker, reference, (image) =>
      isOnlyBuilt(image, (digest) => isOf(digest, reference)),
    );
  }
}

function found(image: FoundImage, pulled: boolean): ImageResult {
  return { kind: 'image', image, pulled };
}

/** A variant that was not asked for may be any. */
function isFor({ platform }: { readonly platform: string }, wanted: string | undefined): boolean {
  return wanted === undefined || platform === wanted || platform.startsWith(`${wanted}/`);
}

function otherPlatform(
  reference: string,
  { platform }: { readonly platform: string },
  wanted = '',
): ImageResult {
  const message = `${reference} is for ${platform}, and ${wanted} was asked for`;
  return { kind: 'refused', refusal: { code: 'image_platform', message } };
}

function unproven(reference: string): ImageResult {
  const message = `${reference} was fetched with a log-in: whoever uses it must fetch it, which pull: never forbids`;
  return { kind: 'refused', refusal: { code: 'image_unauthorized', message } };
}
