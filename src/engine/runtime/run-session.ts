import type { Plan, RunContext, TriggerContext } from '../plan/plan.js';
import type { Reason, RunFailure } from '../plan/run-state.js';
import { allSidecars } from '../plan/all-sidecars.js';
import { GIT_KIND } from '../steps/git/git-action.js';
import { type Continuation, outputsOf } from './continuation.js';
import { checkoutRepository, initialState } from './initial-state.js';
import { maskReason, reason, ReasonBudget } from './reasons.js';
import { PlanError, buildGraph, type StageNode } from './run-graph.js';
import type { RunPorts, RunRequest } from './run-ports.js';
import { StepOutputs } from './run-scope.js';
import { RunStateStore } from './run-state-store.js';
import type { SidecarHost } from './sidecar-host.js';
import type { CheckoutFacts } from './step-environment.js';
import type { StepHandler } from './step-handler.js';
import { StepSlots } from './step-slots.js';
import { StopScope } from './stop-scope.js';

/**
 * The first thing that made the run fail: its reason, and the step concerned where there is one.
 */
export interface FirstFailure {
  readonly reason: Reason;
  readonly failure?: RunFailure;
}

/**
 * What all parts of one run share. A turn is one reaction to something that happened (a step ended,
 * a timer fired); what becomes ready and what changes during it is served and published once, at
 * its end.
 */
export class RunSession {
  readonly plan: Plan;
  readonly context: RunContext;
  readonly stages: readonly StageNode[];
  readonly store: RunStateStore;
  readonly slots: StepSlots;
  readonly outputs = new StepOutputs();
  /** Clone and stages. */
  readonly work = new StopScope();
  /** `on_failure` and `always`. */
  readonly hooks = new StopScope();
  checkout: CheckoutFacts;
  /**
   * The root `trigger` of expressions: what the trigger said, and after the checkout what was
   * cloned.
   */
  trigger: TriggerContext;
  /** Never resolves; rejects at a defect of ours. */
  readonly broken: Promise<never>;
  /** Why the stages ended with steps that wait for something outside; absent while they run. */
  suspension: Reason | undefined;
  /** For how long stages ran that wait, ms, by their places; others have no entry. */
  readonly stagesRanMs = new Map<number, number>();
  private first: FirstFailure | undefined;
  private reject: (error: unknown) => void = () => undefined;
  private isBroken = false;
  private readonly reasons = new ReasonBudget();
  private turnOpen = false;
  private readonly handlers: ReadonlyMap<string, StepHandler>;

  /** @throws PlanError if the plan cannot be run at all. */
  constructor(
    readonly request: RunRequest,
    readonly ports: RunPorts,
  ) {
    const { plan, context, resumeFrom, continueFrom } = request;
    if ((plan.format as number) !== 1) {
      throw new PlanError(
        'plan_format_unknown',
        `unknown format of the plan: ${String(plan.format)}`,
      );
    }
    this.broken = new Promise((_resolve, reject) => (this.reject = reject));
    this.broken.catch(() => undefined); // Who runs the plan races against it; alone it is no unhandled rejection.
    this.plan = plan;
    this.context = context;
    this.handlers = handlersByKind(ports.handlers);
    this.stages = buildGraph(plan);
    const repository = checkoutRepository(plan, context, resumeFrom);
    this.refuseMissingHandlers(repository !== undefined);
    this.trigger = continuedTrigger(context.trigger, continueFrom);
    this.checkout = continueFrom?.memory.checkout ?? {
      branch: context.trigger.branch,
      tag: context.trigger.tag,
      commit: context.trigger.commit ?? resumeFrom?.commit?.sha,
      repositoryUrl: context.repositoryUrl,
    };
    const first =
      continueFrom?.state ?? initialState({ plan, stages: this.stages, repository, resumeFrom });
    for (const kept of continueFrom?.memory.outputs ?? []) {
      this.outputs.set(kept.stage, kept.step, outputsOf(kept));
    }
    this.store = new RunStateStore(
      first,
      () => ports.clock.now(),
      (state) => {
        if (!this.isBroken) ports.onState(state);
      },
      context.executionAttempt,
    );
    this.slots = new StepSlots(request.maxParallelSteps);
    for (const stage of this.stages) this.slots.addLane(stage.index, stage.plan.maxParallel);
  }

  handler(kind: string): StepHandler {
    const handler = this.handlers.get(kind);
    if (handler === undefined) throw new PlanError('handler_missing', `no handler for ${kind}`);
    return handler;
  }

  get sidecarHost(): SidecarHost {
    const { sidecars } = this.ports;
    if (sidecars === undefined) throw new PlanError('handler_missing', 'nothing runs sidecars');
    return sidecars;
  }

  mask(text: string): string {
    return this.ports.mask(text);
  }

  /** Masked, and short enough that all reasons of a run have room in one record. */
  maskReason(reason: Reason): Reason {
    return this.reasons.take(maskReason(reason, (text) => this.ports.mask(text)));
  }

  /** Ends this turn after the work that is under way. */
  touch(): void {
    if (this.turnOpen) return;
    this.turnOpen = true;
    queueMicrotask(() => {
      this.turnOpen = false;
      this.guard(() => {
        this.slots.serve();
        this.store.flush();
      });
    });
  }

  /** Calls back after `ms`, as a turn of its own; returns what cancels it. */
  after(ms: number, callback: () => void): () => void {
    return this.ports.clock.after(ms, () => {
      this.guard(callback);
      this.touch();
    });
  }

  /**
   * Runs what is called from outside (timers, signals): a defect there ends the run instead of the
   * process.
   */
  guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.breakOff(error);
    }
  }

  /**
   * Ends the run because of a defect of ours: `broken` rejects, what runs is asked to end, nothing
   * is published any more.
   */
  breakOff(error: unknown): void {
    if (this.isBroken) return;
    this.isBroken = true;
    this.reject(error);
    const why = reason('internal_error', 'a defect of Millrace ended the run');
    this.work.stop({ kind: 'interrupt', reason: why });
    this.hooks.stop({ kind: 'interrupt', reason: why });
  }

  /** Keeps the first failure of the run, and tells it in the state. */
  noteFailure(why: Reason, failure?: RunFailure): void {
    this.first ??= { reason: why };
    if (failure === undefined || this.first.failure !== undefined) return;
    this.first = { ...this.first, failure };
    this.store.note({ failure });
  }

  get firstFailure(): FirstFailure | undefined {
    return this.first;
  }

  private refuseMissingHandlers(hasCheckout: boolean): void {
    const steps = this.plan.stages.flatMap((stage) => stage.steps);
    const hooks = [...this.plan.onFailure, ...this.plan.always];
    const kinds = new Set<string>([...steps, ...hooks].map((step) => step.action.kind));
    if (hasCheckout) kinds.add(GIT_KIND);
    for (const kind of kinds) this.handler(kind);
    if (allSidecars(this.plan).length > 0) void this.sidecarHost;
  }
}

/** What a clone did not say is not said, whatever the trigger named. */
function continuedTrigger(trigger: TriggerContext, from: Continuation | undefined): TriggerContext {
  if (from === undefined) return trigger;
  const { branch, tag, commit } = from.memory.refs;
  return { ...trigger, branch, tag, commit };
}

function handlersByKind(handlers: readonly StepHandler[]): ReadonlyMap<string, StepHandler> {
  const byKind = new Map<string, StepHandler>();
  for (const handler of handlers) {
    const { kind } = handler;
    if (byKind.has(kind)) throw new PlanError('handler_doubled', `two handlers for ${kind}`);
    byKind.set(kind, handler);
  }
  return byKind;
}
