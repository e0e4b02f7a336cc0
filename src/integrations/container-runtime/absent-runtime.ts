import {
  ContainerRuntime,
  EngineAwayError,
  type ContainerUser,
  type EngineFacts,
  type ImageResult,
  type NetworkResult,
  type RunningContainer,
} from './container-runtime.js';

/** Stands where there is no engine: whatever is asked for, it says why. */
export class AbsentRuntime extends ContainerRuntime {
  constructor(private readonly why: string) {
    super();
  }

  facts(): Promise<EngineFacts> {
    return this.away();
  }

  provide(): Promise<ImageResult> {
    return this.away();
  }

  userOf(): Promise<ContainerUser | undefined> {
    return this.away();
  }

  start(): Promise<RunningContainer> {
    return this.away();
  }

  openStepsNetwork(): Promise<NetworkResult> {
    return this.away();
  }

  openNetwork(): Promise<NetworkResult> {
    return this.away();
  }

  sweep(): Promise<number> {
    return Promise.resolve(0);
  }

  groups(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  sweepStale(): Promise<number> {
    return Promise.resolve(0);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private away(): Promise<never> {
    return Promise.reject(new EngineAwayError(this.why));
  }
}
