import {
  ContainerRuntime,
  type ContainerSpec,
  type ContainerUser,
  EngineAwayError,
  type EngineFacts,
  type ImageRequest,
  type ImageResult,
  type NetworkResult,
  type RunningContainer,
  type StaleSweep,
} from './container-runtime.js';
import type { EngineWatch } from './engine-watch.js';
import { FolderGiver, type GivenFolder } from './folder-giver.js';
import {
  type BuilderProgram,
  ImageBuilder,
  type KeptImage,
  type PushRequest,
  type PushResult,
} from './image-builder.js';

type Watch = Pick<EngineWatch, 'parts' | 'suspect'>;

/** A call that is not answered has the engine looked for at once. */
async function watched<T>(watch: Watch, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof EngineAwayError) watch.suspect();
    throw error;
  }
}

/** Containers on the engine that is there at the time of the call. */
export class WatchedRuntime extends ContainerRuntime {
  constructor(private readonly watch: Watch) {
    super();
  }

  facts(): Promise<EngineFacts> {
    return watched(this.watch, this.now.facts());
  }

  provide(
    request: ImageRequest,
    onProgress: (line: string) => void,
    signal: AbortSignal,
  ): Promise<ImageResult> {
    return watched(this.watch, this.now.provide(request, onProgress, signal));
  }

  userOf(imageId: string, user: string): Promise<ContainerUser | undefined> {
    return watched(this.watch, this.now.userOf(imageId, user));
  }

  async start(spec: ContainerSpec): Promise<RunningContainer> {
    const container = await watched(this.watch, this.now.start(spec));
    container.onLost((why) => {
      if (why === 'away') this.watch.suspect();
    });
    void container.exit.then(({ kind }) => {
      if (kind === 'lost') this.watch.suspect();
    });
    return container;
  }

  openNetwork(group: string | undefined): Promise<NetworkResult> {
    return watched(this.watch, this.now.openNetwork(group));
  }

  sweep(group: string): Promise<number> {
    return watched(this.watch, this.now.sweep(group));
  }

  sweepStale(): Promise<StaleSweep> {
    return watched(this.watch, this.now.sweepStale());
  }

  close(): Promise<void> {
    return this.now.close();
  }

  private get now(): ContainerRuntime {
    return this.watch.parts.runtime;
  }
}

/** Builds on the engine that is there at the time of the call. */
export class WatchedBuilder extends ImageBuilder {
  constructor(private readonly watch: Watch) {
    super();
  }

  get program(): BuilderProgram | undefined {
    return this.now.program;
  }

  get reason(): string | undefined {
    return this.now.reason;
  }

  get host(): string {
    return this.now.host;
  }

  labels(group: string): Readonly<Record<string, string>> {
    return this.now.labels(group);
  }

  keep(id: string, group: string): Promise<KeptImage> {
    return watched(this.watch, this.now.keep(id, group));
  }

  mustAskRegistries(): Promise<boolean> {
    return watched(this.watch, this.now.mustAskRegistries());
  }

  push(
    request: PushRequest,
    onProgress: (line: string) => void,
    signal: AbortSignal,
  ): Promise<PushResult> {
    return watched(this.watch, this.now.push(request, onProgress, signal));
  }

  private get now(): ImageBuilder {
    return this.watch.parts.builder;
  }
}

/** Gives files by the engine that is there at the time of the call. */
export class WatchedGiver extends FolderGiver {
  constructor(private readonly watch: Watch) {
    super();
  }

  get isThere(): boolean {
    return this.watch.parts.giver.isThere;
  }

  give(given: GivenFolder): Promise<void> {
    return this.watch.parts.giver.give(given);
  }
}
