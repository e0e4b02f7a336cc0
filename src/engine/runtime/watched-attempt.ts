import type {
  AttemptFacts,
  AttemptState,
  CacheFacts,
  PhaseState,
  Reason,
  StepPhase,
} from '../plan/run-state.js';
import type { RunSession } from './run-session.js';
import type { StepRef } from './run-state-store.js';
import type { StepProgress } from './step-handler.js';

/** Writes what a handler tells of a try into the state of the run, while the try runs. */
export class WatchedAttempt implements StepProgress {
  private phases: readonly PhaseState[] = [];
  private facts: AttemptFacts = {};

  constructor(
    private readonly session: RunSession,
    private readonly ref: StepRef,
    private readonly earlier: readonly AttemptState[],
    private readonly started: AttemptState,
  ) {}

  begin(name: StepPhase): void {
    if (this.phases.at(-1)?.name === name) return;
    const startedAt = this.session.ports.clock.now();
    this.phases = [...closed(this.phases, startedAt), { name, startedAt }];
    this.publish();
  }

  tell({ image, caches, ...facts }: AttemptFacts): void {
    this.facts = {
      ...this.facts,
      ...facts,
      ...(image && { image: { name: this.session.mask(image.name), digest: image.digest } }),
      ...(caches && { caches: caches.map((cache) => this.maskedCache(cache)) }),
    };
    this.publish();
  }

  /** The try with all that was told of it, its last phase over. */
  ended(): AttemptState {
    this.phases = closed(this.phases, this.session.ports.clock.now());
    return this.state();
  }

  private publish(): void {
    this.session.store.changeStep(this.ref, { attempts: [...this.earlier, this.state()] });
    this.session.store.flush();
  }

  /** Keys and paths are texts of the pipeline. */
  private maskedCache({ name, restored, saved }: CacheFacts): CacheFacts {
    return {
      name: this.session.mask(name),
      restored: this.maskedReason(restored),
      ...(saved && { saved: this.maskedReason(saved) }),
    };
  }

  private maskedReason({ code, message }: Reason): Reason {
    return { code, message: this.session.mask(message) };
  }

  private state(): AttemptState {
    return {
      ...this.started,
      ...(this.phases.length > 0 && { phases: this.phases }),
      ...this.facts,
    };
  }
}

function closed(phases: readonly PhaseState[], at: number): readonly PhaseState[] {
  return phases.map((phase) =>
    phase.finishedAt === undefined ? { ...phase, finishedAt: at } : phase,
  );
}
