import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Breach, checkInvariants } from '../faults/support/invariants.js';
import { OwnStores } from '../faults/support/own-stores.js';
import { Ledger } from '../support/ledger.js';
import { type ExecutionBody, MillraceServer } from '../support/millrace-server.js';
import { SeededRandom } from '../support/seeded-random.js';
import { dealFaults, reviveWorkers } from './soak-faults.js';
import { type SoakPipeline, soakPipelines } from './soak-pipelines.js';

export interface SoakOptions {
  readonly runs: number;
  readonly seed: number;
  /** On average one fault in so many milliseconds. */
  readonly faultEveryMs: number;
  /** No trigger begins later. */
  readonly mostMs: number;
  readonly say: (line: string) => void;
}

export interface SoakReport {
  readonly runs: number;
  readonly seconds: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  readonly breaches: readonly Breach[];
  /** Ends that no fault and no cancel explains. */
  readonly unexpected: readonly string[];
  readonly timeline: readonly string[];
}

const CLIENTS = 48;
const PIPELINES = 24;
const POLL_MS = 200;
const ANSWER_MS = 25_000;
const TERMINAL = ['success', 'failed', 'cancelled', 'timeout'];

/**
 * Real processes, a seeded mixture of pipelines and faults, and the invariants for every run at the
 * end.
 */
export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  const ledger = await Ledger.open();
  const stores = await OwnStores.start();
  try {
    const environment = { ...stores.environment, RATE_LIMIT: '0' };
    const server = await MillraceServer.start({ workers: 2, concurrency: 8, environment });
    try {
      return await new Soak(options, server, stores, ledger).run();
    } finally {
      await server.stop();
    }
  } finally {
    await stores.stop();
    await ledger.remove();
  }
}

class Soak {
  private readonly begun = performance.now();
  private readonly timeline: string[] = [];
  private readonly faults: Record<string, number> = {};
  private readonly outcomes: Record<string, number> = {};
  private readonly unexpected: string[] = [];
  private readonly ended = new Map<string, ExecutionBody>();
  private started = 0;

  constructor(
    private readonly options: SoakOptions,
    private readonly server: MillraceServer,
    private readonly stores: OwnStores,
    private readonly ledger: Ledger,
  ) {}

  async run(): Promise<SoakReport> {
    const { seed, faultEveryMs, say } = this.options;
    const pipelines = soakPipelines(PIPELINES, new SeededRandom(seed, 'pipelines'), this.ledger);
    const made: { readonly id: string; readonly pipeline: SoakPipeline }[] = [];
    for (const pipeline of pipelines) {
      made.push({ id: await this.server.createPipeline(pipeline.yaml), pipeline });
    }
    const over = new AbortController();
    const under = {
      server: this.server,
      stores: this.stores,
      random: new SeededRandom(seed, 'faults'),
    };
    const dealing = dealFaults(under, faultEveryMs, over.signal, (fault) => {
      this.faults[fault] = (this.faults[fault] ?? 0) + 1;
      this.timeline.push(`${this.seconds()} s ${fault}`);
    });
    // It is awaited below; until then a rejection must not count as unhandled.
    dealing.catch(() => over.abort());
    const progress = setInterval(() => say(this.progress()), 10_000);
    try {
      await Promise.all(
        Array.from({ length: CLIENTS }, async (_item, client) => {
          const random = new SeededRandom(seed, `client ${client}`);
          while (this.hasMore()) await this.one(random.pick(made), random);
        }),
      );
    } finally {
      clearInterval(progress);
      over.abort();
    }
    await dealing;
    await reviveWorkers(this.server);
    const took = performance.now() - this.begun;
    say(`${this.progress()}; looking at every run`);
    const { lost, doubled, breaches } = await checkInvariants({
      server: this.server,
      ledger: this.ledger,
      ended: this.ended,
    });
    return {
      runs: this.server.accepted.size,
      seconds: took / 1_000,
      faults: this.faults,
      outcomes: this.outcomes,
      lost,
      doubled,
      breaches,
      unexpected: this.unexpected,
      timeline: this.timeline,
    };
  }

  private hasMore(): boolean {
    if (performance.now() - this.begun > this.options.mostMs) return false;
    return this.started++ < this.options.runs;
  }

  private async one(
    { id: pipelineId, pipeline }: { readonly id: string; readonly pipeline: SoakPipeline },
    random: SeededRandom,
  ): Promise<void> {
    const withCancel = random.chance(0.1);
    const cancelAfter = random.integer(0, 800);
    const withRerun = random.chance(0.05);
    const id = await this.accepted(`/api/ci/pipelines/${pipelineId}/trigger`);
    if (withCancel) {
      await sleep(cancelAfter);
      await this.ask('POST', `/api/ci/executions/${id}/cancel`);
    }
    const end = await this.end(id);
    this.judge(end, pipeline, withCancel);
    if (!withRerun) return;
    this.judge(
      await this.end(await this.accepted(`/api/ci/executions/${id}/rerun`)),
      pipeline,
      false,
    );
  }

  /**
   * Asks with one key until it is accepted, so that an answer that was lost makes no second
   * execution (I6).
   */
  private async accepted(path: string): Promise<string> {
    const key = randomUUID();
    for (;;) {
      const answer = await this.ask('POST', path, { 'idempotency-key': key });
      if (answer?.status === 202) {
        const { execution_id: id } = answer.body as { execution_id: string };
        this.server.accepted.add(id);
        return id;
      }
      await sleep(POLL_MS);
    }
  }

  private async end(id: string): Promise<ExecutionBody | undefined> {
    const giveUpAt = performance.now() + 180_000;
    while (performance.now() < giveUpAt) {
      const answer = await this.ask('GET', `/api/ci/executions/${id}`);
      const body = answer?.body as ExecutionBody;
      if (answer?.status === 200 && TERMINAL.includes(body.status)) {
        this.ended.set(id, body);
        return body;
      }
      await sleep(POLL_MS);
    }
    this.unexpected.push(`${id} has no end after 180 s`);
    return undefined;
  }

  private judge(
    end: ExecutionBody | undefined,
    pipeline: SoakPipeline,
    mayBeCancelled: boolean,
  ): void {
    if (!end) return;
    this.outcomes[end.status] = (this.outcomes[end.status] ?? 0) + 1;
    if (end.status === pipeline.expected) return;
    if (mayBeCancelled && end.status === 'cancelled') return;
    this.unexpected.push(
      `${end.id} ended ${end.status} (${end.reason?.code}), expected ${pipeline.expected}: ${JSON.stringify(end)}`,
    );
  }

  /** Undefined: no answer, because whoever should answer was killed. */
  private async ask(
    method: string,
    path: string,
    headers: Record<string, string> = {},
  ): Promise<{ readonly status: number; readonly body: unknown } | undefined> {
    try {
      const signal = AbortSignal.timeout(ANSWER_MS);
      const body = method === 'POST' ? {} : undefined;
      const response = await this.server.fetch(method, path, body, headers, signal);
      const answer = { status: response.status, body: await response.json() };
      if (answer.status === 500)
        this.unexpected.push(`${method} ${path}: ${JSON.stringify(answer)}`);
      return answer;
    } catch {
      return undefined;
    }
  }

  private progress(): string {
    const done = this.ended.size;
    const dealt = Object.values(this.faults).reduce((sum, count) => sum + count, 0);
    const rate = (done / ((performance.now() - this.begun) / 1_000)).toFixed(1);
    return `${this.seconds()} s: ${done} runs ended, ${rate} runs/s, ${dealt} faults, ${this.unexpected.length} unexpected`;
  }

  private seconds(): string {
    return ((performance.now() - this.begun) / 1_000).toFixed(1);
  }
}
