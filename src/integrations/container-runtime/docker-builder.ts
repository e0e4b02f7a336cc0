import type Docker from 'dockerode';
import { keepBuilt } from './built-images.js';
import { BUILT_LABELS, ownerLabel } from './docker-labels.js';
import { pushImage } from './docker-push.js';
import { dockerAt } from './docker-removal.js';
import {
  type BuilderProgram,
  ImageBuilder,
  type KeptImage,
  type PushRequest,
  type PushResult,
} from './image-builder.js';
import type { PrivateImages } from './private-images.js';

export interface DockerBuilderOptions {
  readonly host: string;
  readonly installation: string;
  readonly program: BuilderProgram | undefined;
  readonly reason: string | undefined;
  /** Of the runtime: both must know what was fetched with a log-in. */
  readonly privateImages: PrivateImages;
}

/** Builds on a Docker Engine, or on what speaks its API. */
export class DockerBuilder extends ImageBuilder {
  private readonly docker: Docker;
  /** The last push to each name; none of them rejects. */
  private readonly pushes = new Map<string, Promise<void>>();

  constructor(private readonly options: DockerBuilderOptions) {
    super();
    this.docker = dockerAt(options.host);
  }

  get program(): BuilderProgram | undefined {
    return this.options.program;
  }

  get reason(): string | undefined {
    return this.options.reason;
  }

  get host(): string {
    return this.options.host;
  }

  labels(group: string): Readonly<Record<string, string>> {
    return {
      [BUILT_LABELS.installation]: this.options.installation,
      [BUILT_LABELS.owner]: ownerLabel(process.pid),
      [BUILT_LABELS.group]: group,
    };
  }

  keep(id: string, group: string): Promise<KeptImage> {
    return keepBuilt(this.docker, id, this.labels(group));
  }

  mustAskRegistries(): Promise<boolean> {
    return this.options.privateImages.isAny();
  }

  /** One after another for each name: the engine has it for one image at a time. */
  async push(
    request: PushRequest,
    onProgress: (line: string) => void,
    signal: AbortSignal,
  ): Promise<PushResult> {
    const { reference } = request;
    const before = this.pushes.get(reference) ?? Promise.resolve();
    const own = before.then(() => pushImage(this.docker, request, onProgress, signal));
    const over = own.then(
      () => undefined,
      () => undefined,
    );
    this.pushes.set(reference, over);
    try {
      return await own;
    } finally {
      if (this.pushes.get(reference) === over) this.pushes.delete(reference);
    }
  }
}
