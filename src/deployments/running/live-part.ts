import type { Reason } from '../../engine/plan/run-state.js';
import { type Deployment, isFinished } from '../record/deployment.js';
import {
  type BarrierWord,
  isOfTarget,
  type RunDeployment,
  type SwitchBarrier,
} from './recorded-run.js';

/** Why a part of a unit cannot serve. */
export interface PartFailure {
  /** Name of its service. */
  readonly part: string;
  /** `cancelled`: somebody has stopped it. */
  readonly status: 'failed' | 'cancelled';
  readonly reason: Reason;
}

/**
 * A part of a unit between its beginning and its end, in this process. Whoever begins one waits for
 * its end: `holdBack` is to be called for all, whatever happens.
 */
export class LivePart {
  private readonly word = Promise.withResolvers<BarrierWord>();
  private readonly reached = Promise.withResolvers<void>();
  private readonly switched = Promise.withResolvers<void>();
  private readonly released = Promise.withResolvers<void>();
  private readonly ended: Promise<Deployment>;
  private look: Parameters<SwitchBarrier>[0] | undefined;
  private end: Deployment | undefined;
  /** Why it is to end, where that is another reason than that of the others. */
  private own: Reason | undefined;

  /** @param run does the part to its end, by way of both */
  constructor(
    readonly name: string,
    run: (way: Required<Pick<RunDeployment, 'barrier' | 'switched'>>) => Promise<Deployment>,
  ) {
    const barrier: SwitchBarrier = (look) => {
      this.look = look;
      this.reached.resolve();
      return this.word.promise;
    };
    const switched = (): Promise<void> => {
      this.switched.resolve();
      return this.released.promise;
    };
    this.ended = run({ barrier, switched }).then((deployment) => (this.end = deployment));
    // Whoever waits for the end hears of it.
    this.ended.catch(() => undefined);
  }

  /** It has ended well before its switch: what it would bring serves already. */
  get isUnchanged(): boolean {
    return this.end?.status === 'success';
  }

  /**
   * Until it stands before its switch, or has nothing to switch.
   * @returns why it does neither
   */
  async toBarrier(): Promise<PartFailure | undefined> {
    const reached = this.reached.promise.then(() => undefined);
    const end = await Promise.race([reached, this.ended]);
    return end && this.failureOf(end);
  }

  /** Whether it could serve still; it may have waited long for others. @returns why not */
  async stillReady(signal: AbortSignal): Promise<PartFailure | undefined> {
    if (this.end !== undefined) return undefined;
    try {
      await this.look?.(signal);
      return undefined;
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!isOfTarget(error)) throw error;
      this.own = error.reason;
      return { part: this.name, status: 'failed', reason: error.reason };
    }
  }

  /**
   * Lets it switch; that it cleans up, which may take long, keeps no other part waiting.
   * @returns why it does not serve
   */
  async switchNow(): Promise<PartFailure | undefined> {
    this.word.resolve({ kind: 'switch' });
    const switched = this.switched.promise.then(() => undefined);
    const end = await Promise.race([switched, this.ended]);
    return end && this.failureOf(end);
  }

  /** It is undone, unless it has switched, and cleans up then; resolves at its end. */
  async holdBack(reason: Reason): Promise<void> {
    const { own } = this;
    this.word.resolve({
      ...{ kind: 'undo', status: own ? 'failed' : 'cancelled', reason: own ?? reason },
    });
    this.released.resolve();
    await this.ended;
  }

  private failureOf(end: Deployment): PartFailure | undefined {
    return failureOf(this.name, end);
  }
}

/** @returns undefined: it serves */
export function failureOf(
  part: string,
  deployment: Pick<Deployment, '_id' | 'status' | 'reason'>,
): PartFailure | undefined {
  const { status, reason } = deployment;
  if (status === 'success') return undefined;
  if (!isFinished(deployment)) throw new Error(`the part ${deployment._id} has not ended`);
  const why = reason ?? { code: 'deploy_failed', message: 'its deployment failed' };
  return { part, status: status === 'cancelled' ? 'cancelled' : 'failed', reason: why };
}
