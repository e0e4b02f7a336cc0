import type { Reason } from '../../engine/plan/run-state.js';
import type { StepFiles } from '../../executions/attempt/steps/deployer.js';
import type { DirectorySettings, Release, TargetSettings } from '../record/deployment.js';

/** A deployment cannot be done as it is asked for; nothing was changed. */
export class DeployRefusedError extends Error {
  constructor(readonly reason: Reason) {
    super(reason.message);
    this.name = 'DeployRefusedError';
  }
}

/** A target cannot be asked now, or lets nobody in: what it does is not known. */
export class TargetAwayError extends Error {
  constructor(readonly reason: Reason) {
    super(reason.message);
    this.name = 'TargetAwayError';
  }
}

/** What a target knows a release by. */
export interface PlacedRelease<S extends TargetSettings = TargetSettings> extends Pick<
  Release,
  'number' | 'service_id' | 'instance'
> {
  readonly settings: S;
}

export type DirectoryRelease = PlacedRelease<DirectorySettings>;

export interface PreparedRelease {
  /** `sha256:…`, of what lies at the target. */
  readonly digest: string;
  readonly files: number;
  readonly bytes: number;
  readonly warnings: readonly Reason[];
}

/**
 * Where releases of one type are and serve. Every method may be called again after a crash, and
 * says what is, never what was recorded. Errors of the file system and of other parts are thrown as
 * they are; DeployRefusedError where the target says no; TargetAwayError where one on another host
 * cannot be reached.
 */
export abstract class DeployTarget<S extends TargetSettings = TargetSettings> {
  /** Of targets whose releases are programs: before one serves, it runs. */
  readonly runner: ReleaseRunner<S> | undefined = undefined;

  /**
   * Whether a deployment can be done. @returns warnings
   * @throws DeployRefusedError
   */
  abstract plan(serviceId: string, settings: S): Promise<readonly Reason[]>;

  /**
   * Keeps what a release would be made of on this host, while an execution waits with nobody at it,
   * or a direct deployment for people; it is given up once that is over. Idempotent. A target may
   * need nothing that is not kept.
   * @param _id of whichever waits
   * @returns false: it is not there
   */
  keepWaiting(_id: string, _settings: S): Promise<boolean> {
    return Promise.resolve(true);
  }

  /** Whether that is kept here. */
  hasWaiting(_executionId: string, _settings: S): Promise<boolean> {
    return Promise.resolve(true);
  }

  /**
   * Brings a release to its place; what serves is not touched.
   * @param before number of the release that serves by the record; undefined: none does
   * @throws DeployRefusedError
   */
  abstract prepare(
    release: PlacedRelease<S>,
    source: StepFiles,
    signal: AbortSignal,
    before?: number,
  ): Promise<PreparedRelease>;

  /**
   * Makes ready for `switch` under a token; whatever was ready under another one cannot be switched
   * to any more, not even by a process that sleeps right before it.
   */
  abstract arm(release: PlacedRelease<S>, token: string): Promise<void>;

  /** From here on new requests go to the release. One moment: before it the old, then the new. */
  abstract switchTo(release: PlacedRelease<S>, token: string): Promise<void>;

  /** Nothing that was made ready can be switched to any more. */
  abstract disarm(settings: S): Promise<void>;

  /** Number of the release that serves; undefined: none of ours. */
  abstract serving(settings: S): Promise<number | undefined>;

  /** Of what lies there now; undefined: it is not there. */
  abstract digestOf(release: PlacedRelease<S>): Promise<string | undefined>;

  /**
   * The files of a release, to make the same one elsewhere; a target may not have that.
   * @throws DeployRefusedError
   */
  filesOf(_release: PlacedRelease<S>): StepFiles {
    const message = 'only releases on a host of a worker can be promoted';
    throw new DeployRefusedError({ code: 'promotion_not_possible', message });
  }

  /** All that is left of a release which does not serve. Idempotent. */
  abstract remove(release: PlacedRelease<S>): Promise<void>;

  /**
   * Nothing of the service serves any more; a target whose routes follow the record does nothing
   * but that it disarms. Idempotent.
   */
  abstract withdraw(release: PlacedRelease<S>): Promise<void>;

  /**
   * All that is left of a service when all its releases are removed, and nothing serves by the
   * record. What its application has written stays. Idempotent.
   */
  abstract forget(serviceId: string, settings: S): Promise<void>;

  /**
   * What no other service of the host may hold, or hold a part of: a path, a port.
   * @throws DeployRefusedError
   */
  abstract placeOf(settings: S): string;
}

/** How an instance was at one moment. */
export interface ReleaseLook {
  /** What is wrong with it; absent: it answers well. */
  readonly problem?: string;
  /** It has ended, and whoever starts it again is not what runs it. */
  readonly hasEnded: boolean;
  /** How often what runs it has started it again by itself. */
  readonly restarts: number;
}

/** Runs the instance of a release. Every method may be called again after a crash. */
export interface ReleaseRunner<S extends TargetSettings = TargetSettings> {
  /** What is run once by a release before it starts, for a sentence; undefined: nothing is. */
  before(settings: S): string | undefined;
  /**
   * Runs that to its end. What it changes elsewhere nobody takes back.
   * @throws DeployRefusedError it failed; the reason of the signal
   */
  runBefore(
    release: PlacedRelease<S>,
    tell: (line: string) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /** Starts it beside the one that serves. @throws DeployRefusedError */
  start(release: PlacedRelease<S>): Promise<void>;
  /**
   * Asks it from outside until it has answered well for as long as its gate says.
   * @throws DeployRefusedError with what it said instead; the reason of the signal
   */
  gate(release: PlacedRelease<S>, tell: (line: string) => void, signal: AbortSignal): Promise<void>;
  /** What is to be told of an instance that has passed its gate. */
  warnings(release: PlacedRelease<S>): Promise<readonly Reason[]>;
  /** To which instance of the release that serves new requests go; undefined: to none of ours. */
  instanceServing(settings: S): Promise<number | undefined>;
  /** One look at it, and one probe of its gate. */
  probe(release: PlacedRelease<S>): Promise<ReleaseLook>;
  /**
   * One probe of its gate; what runs it is not asked, which may be away meanwhile.
   * @returns what is wrong with it; undefined: it answers well
   */
  answer(release: PlacedRelease<S>): Promise<string | undefined>;
  /** Resolves when no new request reaches it any more, of a service that the record has stopped. */
  closed(release: PlacedRelease<S>): Promise<void>;
  /** Ends it, and gives back what only a running one needs; the release can be started again. */
  stop(release: PlacedRelease<S>): Promise<void>;
  /** What has begun may take so long still when another one serves, ms. */
  drainMs(settings: S): number;
  /** The release before is asked for static files for so long behind the switch, ms. */
  keepAssetsMs(settings: S): number;
  /** For so long behind its switch it goes back to the one before when it fails; 0: never, ms. */
  watchMs(settings: S): number;
}
