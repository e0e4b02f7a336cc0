import type { Reason } from '../../engine/plan/run-state.js';
import type { StepFiles } from '../../executions/attempt/steps/deployer.js';
import type { TargetSettings } from '../record/deployment.js';
import {
  DeployTarget,
  type PlacedRelease,
  type PreparedRelease,
  type ReleaseRunner,
} from '../targets/deploy-target.js';
import { DeploymentFencedError } from './recorded-run.js';

/** Stands for files: what is prepared is the text. */
export class Files implements StepFiles {
  constructor(readonly text: string) {}
  packed(): never {
    throw new Error('nobody reads them here');
  }
}

/** Where releases lie in memory; `fails` says what goes wrong. */
export class MemoryTarget extends DeployTarget {
  /** What the last one that was prepared was told to serve. */
  before: number | undefined;
  override runner: ReleaseRunner | undefined = undefined;
  readonly placed = new Map<number, string>();
  current: number | undefined;
  armed: string | undefined;
  fails = new Map<string, () => void>();
  /** It was asked what serves while somebody could still switch. */
  wasAskedArmed = false;

  private may(what: string): void {
    this.fails.get(what)?.();
  }
  plan(): Promise<readonly Reason[]> {
    this.may('plan');
    return Promise.resolve([]);
  }
  prepare(
    { number }: PlacedRelease,
    source: Files,
    _signal?: AbortSignal,
    before?: number,
  ): Promise<PreparedRelease> {
    this.before = before;
    this.placed.set(number, 'half');
    this.may('prepare');
    this.placed.set(number, source.text);
    return Promise.resolve({ digest: `sha256:${source.text}`, files: 1, bytes: 1, warnings: [] });
  }
  arm(_release: PlacedRelease, token: string): Promise<void> {
    this.armed = token;
    this.may('arm');
    return Promise.resolve();
  }
  switchTo({ number }: PlacedRelease, token: string): Promise<void> {
    this.may('switchTo');
    if (this.armed !== token) return Promise.reject(new Error('ENOENT'));
    this.armed = undefined;
    this.current = number;
    this.may('switched');
    return Promise.resolve();
  }
  disarm(): Promise<void> {
    this.armed = undefined;
    return Promise.resolve();
  }
  serving(): Promise<number | undefined> {
    this.wasAskedArmed ||= this.armed !== undefined;
    return Promise.resolve(this.current);
  }
  digestOf({ number }: PlacedRelease): Promise<string | undefined> {
    const text = this.placed.get(number);
    return Promise.resolve(text === undefined ? undefined : `sha256:${text}`);
  }
  remove({ number }: PlacedRelease): Promise<void> {
    this.may('remove');
    if (number === this.current) throw new Error('it serves');
    this.placed.delete(number);
    return Promise.resolve();
  }
  withdraw(): Promise<void> {
    this.may('withdraw');
    this.current = undefined;
    return Promise.resolve();
  }
  forget(): Promise<void> {
    this.may('forget');
    return Promise.resolve();
  }
  placeOf(settings: TargetSettings): string {
    return settings.type === 'local_directory' ? settings.path : settings.service_id;
  }
}

/** As a process that is killed: nothing after it is done. */
export class Killed extends DeploymentFencedError {
  constructor() {
    super('killed');
  }
}
