import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../support/eventually.js';
import { Ledger } from '../../support/ledger.js';
import { type ExecutionBody, MillraceServer } from '../../support/millrace-server.js';
import { expectInvariants } from './expect-invariants.js';
import { Jitter } from './jitter.js';
import { OwnStores } from './own-stores.js';

interface ErrorBody {
  readonly error: string;
  readonly suggestions: readonly string[];
}

/** An answer to a trigger. */
export type TriggerAnswer =
  | { readonly kind: 'accepted'; readonly id: string; readonly message: string }
  | { readonly kind: 'refused'; readonly retryAfter: string | null; readonly body: ErrorBody };

interface LogLine {
  readonly seq: number;
  readonly step: string;
  readonly stream: string;
  readonly text: string;
}

export interface FaultRigOptions {
  readonly fault?: string;
  /** Variables of Millrace on top. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** An answer may wait for a store as long as a call to it does, and a little. */
const ANSWER_MS = 25_000;

/**
 * Millrace over stores of its own, a ledger outside both, and the invariants of the promise
 * (docs/promises): what was accepted, what was answered, and what really ran.
 */
export class FaultRig {
  /** Of the current case. */
  answers: TriggerAnswer[] = [];
  /** What went wrong with the health page, which must answer whatever the stores do. */
  readonly apiProblems: string[] = [];
  private readonly ended = new Map<string, ExecutionBody>();
  private long: string | undefined;
  private short: string | undefined;
  private releaseFile = '';
  private watching = new AbortController();
  private watch: Promise<void> = Promise.resolve();

  private constructor(
    readonly stores: OwnStores,
    readonly server: MillraceServer,
    readonly ledger: Ledger,
    private readonly fault: string | undefined,
    readonly jitter: Jitter,
  ) {}

  /**
   * @param fault full name of the test, for tests that run side by side (see `expectInvariants`)
   */
  static async start(options: FaultRigOptions = {}): Promise<FaultRig> {
    const ledger = await Ledger.open();
    const stores = await OwnStores.start();
    const environment = { ...stores.environment, ...options.environment };
    let server: MillraceServer;
    try {
      server = await MillraceServer.start({ workers: 1, concurrency: 3, environment });
    } catch (error) {
      await stores.stop();
      throw error;
    }
    const jitter = new Jitter(options.fault ?? basename(expect.getState().testPath ?? ''));
    const rig = new FaultRig(stores, server, ledger, options.fault, jitter);
    rig.watchApi();
    return rig;
  }

  /**
   * Begins a case: nothing is accepted and nothing released. What earlier cases found at the end
   * must still be so.
   */
  async beginCase(): Promise<void> {
    this.answers = [];
    this.releaseFile = `release-${randomUUID()}`;
    this.long = await this.server.createPipeline(this.longYaml());
    this.short = await this.server.createPipeline(this.shortYaml());
  }

  async stop(): Promise<void> {
    this.watching.abort();
    await this.watch;
    await this.server.stop();
    await this.stores.stop();
    await this.ledger.remove();
  }

  /**
   * Begins an execution that prints a line ten times a second until `release`; resolves when it has
   * begun.
   */
  async beginLong(): Promise<string> {
    const answer = await this.trigger(this.long);
    if (answer.kind !== 'accepted') throw new Error('the trigger was refused');
    await eventually(
      async () =>
        (await this.ledger.entries()).some(({ execution }) => execution === answer.id) || undefined,
    );
    return answer.id;
  }

  /** Lets a moment pass, so that the blow finds the runs in one state or another. */
  async beforeBlow(mostMs = 700): Promise<void> {
    await this.jitter.before(mostMs);
  }

  /** Lets every long execution come to its end. */
  async release(): Promise<void> {
    await writeFile(this.ledger.path(this.releaseFile), '');
  }

  async triggerShort(): Promise<TriggerAnswer> {
    return this.trigger(this.short);
  }

  /** Triggers, one after the other, until `work` is over. */
  async triggerDuring<T>(work: Promise<T>): Promise<T> {
    const over = new AbortController();
    const done = work.finally(() => over.abort());
    while (!over.signal.aborted) {
      await this.triggerShort();
      await Promise.race([sleep(400), done.catch(() => undefined)]);
    }
    return done;
  }

  /** No health page is asked for while no API is meant to run. */
  async withoutApi(work: () => Promise<void>): Promise<void> {
    this.watching.abort();
    await this.watch;
    await work();
    this.watchApi();
  }

  /** Kills every process of Millrace at once and starts as many again. */
  async restartMillrace(): Promise<void> {
    const { api, workers } = this.server;
    const processes = [...workers, ...(api ? [api] : [])];
    await Promise.all(processes.map((process) => process.end('SIGKILL')));
    await this.server.startApi();
    const count = workers.splice(0).length;
    for (let started = 0; started < count; started++) await this.server.startWorker();
  }

  get accepted(): string[] {
    return this.answers.flatMap((answer) => (answer.kind === 'accepted' ? [answer.id] : []));
  }

  /** Accepted while the queue was away. */
  get delayed(): string[] {
    return this.answers.flatMap((answer) =>
      answer.kind === 'accepted' && answer.message.includes('queue cannot be reached')
        ? [answer.id]
        : [],
    );
  }

  get refused(): Extract<TriggerAnswer, { kind: 'refused' }>[] {
    return this.answers.flatMap((answer) => (answer.kind === 'refused' ? [answer] : []));
  }

  /**
   * Waits for the end of everything that was accepted and holds it against the invariants. Beyond
   * them: all ended in success, with what their steps printed in their logs. Another attempt is
   * only for one of the reasons `because`; an unheard claim is the one that costs nothing and ran
   * nothing.
   */
  async expectNothingLost(because: readonly string[] = ['claim_unheard']): Promise<void> {
    const { executions } = await expectInvariants(
      {
        server: this.server,
        ledger: this.ledger,
        accepted: this.accepted,
        ended: this.ended,
        apiProblems: this.apiProblems,
      },
      this.fault,
    );
    for (const [id, execution] of executions) {
      this.ended.set(id, execution);
      expect(execution).toMatchObject({ status: 'success' });
      expect(endedBefore(execution).filter((code) => !because.includes(code))).toEqual([]);
      await this.expectWholeLog(execution);
    }
    for (const { retryAfter, body } of this.refused) {
      expect(retryAfter).toMatch(/^[1-9]\d*$/);
      expect(body).toMatchObject({ error: 'ServiceUnavailableError' });
      expect(body.suggestions).not.toEqual([]);
    }
    this.expectProcessesWell();
  }

  private expectProcessesWell(): void {
    const processes = [...this.server.workers, ...(this.server.api ? [this.server.api] : [])];
    for (const { child } of processes) {
      expect([child.exitCode, child.signalCode]).toEqual([null, null]);
    }
  }

  private async expectWholeLog(execution: ExecutionBody): Promise<void> {
    const response = await this.server.fetch('GET', `/api/ci/executions/${execution.id}/logs`);
    const text = await response.text();
    expect(response.status).toBe(200);
    const lines = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as LogLine);
    const stepLines = lines.filter(({ stream }) => stream === 'stdout');
    const attempt = `${execution.attempt}.1`;
    const printed = await this.printedBy(execution.id, attempt);
    if (endedBefore(execution).includes('worker_lost')) {
      // Numbers are left out behind an attempt that never closed its log, and the log says so.
      expect(lines.some((line) => line.text.startsWith('{lost}'))).toBe(true);
      expect(stepLines.slice(-printed.length).map((line) => line.text)).toEqual(printed);
    } else {
      expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_line, index) => index + 1));
      expect(stepLines.map((line) => line.text)).toEqual(printed);
    }
  }

  /** What the step says outside Millrace that it printed. */
  private async printedBy(id: string, attempt: string): Promise<string[]> {
    const count = Number(await readFile(this.ledger.path(`${id}-${attempt}`), 'utf8'));
    return Array.from({ length: count }, (_item, index) => `line ${index + 1}`);
  }

  private async trigger(pipeline: string | undefined): Promise<TriggerAnswer> {
    const path = `/api/ci/pipelines/${pipeline ?? ''}/trigger`;
    const response = await this.server.fetch('POST', path, {}, {}, AbortSignal.timeout(ANSWER_MS));
    const body: unknown = await response.json();
    if (response.status !== 202 && response.status !== 503) {
      const id = response.headers.get('x-request-id') ?? 'no id';
      // The cause is in the server's log only.
      const line = await eventually(() =>
        this.server.api
          ?.output()
          .split('\n')
          .find((text) => text.includes(id)),
      );
      throw new Error(`trigger: ${response.status} ${JSON.stringify(body)}\n${line}`);
    }
    const answer: TriggerAnswer =
      response.status === 202
        ? acceptedAnswer(body as { execution_id: string; message: string })
        : {
            kind: 'refused',
            retryAfter: response.headers.get('retry-after'),
            body: body as ErrorBody,
          };
    this.answers.push(answer);
    if (answer.kind === 'accepted') this.server.accepted.add(answer.id);
    else this.server.unanswered += 1;
    return answer;
  }

  private watchApi(): void {
    this.watching = new AbortController();
    this.watch = this.watchUntil(this.watching.signal);
  }

  private async watchUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const begun = performance.now();
      try {
        const timeout = AbortSignal.timeout(3_000);
        const { status } = await this.server.fetch(
          'GET',
          '/api/health/live',
          undefined,
          {},
          timeout,
        );
        if (status !== 200) this.apiProblems.push(`status ${status}`);
      } catch (error) {
        this.apiProblems.push(`${String(error)} after ${Math.round(performance.now() - begun)} ms`);
      }
      await sleep(200, undefined, { signal }).catch(() => undefined);
    }
  }

  private longYaml(): string {
    const release = this.ledger.path(this.releaseFile);
    return this.yaml(
      'long',
      `i=0; until [ -e ${release} ]; do i=$((i+1)); echo "line $i"; sleep 0.1; done`,
    );
  }

  private shortYaml(): string {
    return this.yaml('short', 'i=1; echo "line $i"');
  }

  private yaml(name: string, run: string): string {
    const counted = `${this.ledger.path('')}$CI_EXECUTION_ID-$CI_ATTEMPT`;
    const script = JSON.stringify(`${this.ledger.note}\n${run}\necho $i > ${counted}`);
    return `name: ${name}\nretry_count: 1\nsteps:\n  - { name: work, retry: { max: 0 }, run: ${script} }\n`;
  }
}

function acceptedAnswer(body: { execution_id: string; message: string }): TriggerAnswer {
  return { kind: 'accepted', id: body.execution_id, message: body.message };
}

/** Why attempts before the last one ended. */
function endedBefore({ placements }: ExecutionBody): string[] {
  return placements.slice(0, -1).map(({ reason }) => reason?.code ?? 'none');
}
