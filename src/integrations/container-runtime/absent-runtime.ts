import {
  ContainerRuntime,
  EngineAwayError,
  type ContainerUser,
  type EngineFacts,
  type ImageResult,
  type NetworkResult,
  type RunningContainer,
  type StaleSweep,
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

  openNetwork(): Promise<NetworkResult> {
    return this.away();
  }

  sweep(): Promise<number> {
    return Promise.resolve(0);
  }

  sweepStale(): Promise<StaleSweep> {
    return Promise.resolve({ ended: 0, groups: [] });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private away(): Promise<never> {
    return Promise.reject(new EngineAwayError(this.why));
  }
}
