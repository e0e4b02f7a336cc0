import { isStopped } from '../../../src/common/child-process/process-stat.js';
import { OneByOne } from '../../../src/common/async/one-by-one.js';
import type { FailPoint } from '../../../src/common/fail-point.js';
import { eventually } from '../../support/eventually.js';
import type { MillraceServer, ServerProcess } from '../../support/millrace-server.js';
import { IS_WHOLE_ROUND, type Jitter } from './jitter.js';
import { idOf } from './service-id.js';

/** For whatever is waited for: others on the machine may be slow, and a lease has to pass. */
export const END_MS = 150_000;
/** A start is a second of work: all at once, none of them would be ready in time. */
const STARTS_AT_ONCE = 2;
/** Of a worker, where something is not as it should be; characters. */
const SHOWN_OUTPUT = 2_000;
/** Exit code of a worker that others have declared lost. */
const LEASE_LOST = 1;
const NEVER = new AbortController().signal;
const STOP_POINTS: readonly FailPoint[] = [
  ...(['deployment_switching', 'service_stopped', 'service_drained', 'instance_ended'] as const),
];
const REMOVAL_POINTS: readonly FailPoint[] = ['service_withdrawn', 'releases_removed'];
/** An instance beside what serves, and both sides of a switch. */
const MAIN_POINTS: readonly FailPoint[] = [
  ...(['instance_started', 'deployment_switching', 'release_switched'] as const),
  ...(['part_switched', 'unit_serving'] as const),
];
/** What a release that has served does not do once more. */
const DONE_ONCE: readonly FailPoint[] = ['release_prepared', 'before_switch_begun'];
/**
 * A worker that is to die there may do so with what the one before has left, while its own
 * deployment is at any other point; or another one begins what had not begun.
 */
const OF_OTHERS_TOO: readonly FailPoint[] = [
  ...(['deployment_planned', 'deployment_serving', 'deployment_ended'] as const),
];
const DIRECT_POINTS: readonly FailPoint[] = ['release_prepared', 'release_switched'];
/** Statuses of a deployment that nothing more comes of. */
export const OVER = ['success', 'failed', 'cancelled'];

/** Where a deployment is hit, and which release serves when all is over. */
export type DeploymentPoint = readonly [point: FailPoint, serves: 'old' | 'new'];
/** `either`: that depends on how soon the part is there again. The record says which one. */
export type LossPoint = readonly [point: FailPoint, serves: 'old' | 'new' | 'either'];

/** All points are too many for each run of CI: those that `npm run faults` adds are left out. */
export function ofThisRun<T extends readonly [point: FailPoint, ...unknown[]]>(
  points: readonly T[],
): readonly T[] {
  return points.filter(([point]) => IS_WHOLE_ROUND || MAIN_POINTS.includes(point));
}

/** A process that a deployment uses, and whose loss its worker lives through. */
export interface LostPart {
  readonly name: string;
  kill(): Promise<unknown>;
  /** Brings it back, while the workers continue. Default: whoever needs it does. */
  restore?(): Promise<unknown>;
  /** Of deployments that fail because of it. */
  readonly reasons: readonly string[];
  /** What serves is reached while it is away. Default: it need not be. */
  readonly isBesideTraffic?: boolean;
  /** A step may fail since it cannot say what serves; the record is settled later. */
  readonly hidesEnd?: boolean;
}

export interface DeploymentBody {
  readonly deployment_id: string;
  readonly kind: string;
  readonly execution_id: string | null;
  readonly status: string;
  readonly reason: { readonly code: string; readonly message: string };
  readonly release: { readonly number: number } | null;
  readonly unit: { readonly takes_back: boolean } | null;
}

/** What the deployments of one type are, and how it is seen what serves. */
export interface DeploymentSubject {
  /**
   * A pipeline for the workers of this label alone, with an input `text`, `old` by default, which
   * is what a release holds; its service has the name, too.
   */
  yaml(name: string): string | Promise<string>;
  /** Services of which it has deployments. Default: the one of the name. */
  servicesOf?(name: string): readonly string[];
  /**
   * What serves, as it is seen from outside, when all is over.
   *
   * @throws where that is not all of one release, or not what the record says
   */
  serving(name: string): Promise<string>;
  /** What is left of what does not serve. Default: that is not looked at. */
  leftOf?(name: string): readonly string[] | Promise<readonly string[]>;
  /** At a moment when its worker is gone. Default: nothing. */
  expectMeanwhile?(name: string): Promise<void>;
}

/** A deployment at whose point something is hit. */
export interface HeldDeployment {
  readonly worker: ServerProcess;
  /** Of the execution. */
  readonly id: string;
}

interface StruckDeployment extends HeldDeployment {
  readonly name: string;
  readonly point: FailPoint;
  /** What served before. */
  readonly before: string;
  /** What is deployed. */
  readonly text: string;
}

/**
 * Deployments of one type that are hit, each of a service of its own, whose name is a label of
 * workers, too: one that is to die has one deployment only.
 */
export class DeploymentRig {
  private readonly starts = new OneByOne();
  /** Of services that have begun, by name. */
  private readonly pipelines = new Map<string, string>();
  private started = 0;
  /** Why no other worker came in the place of one that had lost its lease. */
  private readonly notStarted: string[] = [];

  constructor(
    readonly server: MillraceServer,
    private readonly subject: DeploymentSubject,
  ) {}

  /**
   * One that loses its lease, as on a machine that stands still for too long, ends. As whoever
   * supervises workers does, another one of the same labels is started then: of those that are
   * meant to live.
   *
   * @param labels with commas between them
   */
  async startWorker(labels: string, at?: string): Promise<ServerProcess> {
    const own: Record<string, string> = at === undefined ? {} : { FAIL_POINT: at };
    this.started += 1;
    const lane = String(this.started % STARTS_AT_ONCE);
    const start = () => this.server.startWorker({ WORKER_LABELS: labels }, own);
    const worker = await this.starts.run(lane, start, NEVER);
    if (at === undefined) {
      worker.child.once('exit', (code) => {
        if (code !== LEASE_LOST) return;
        this.startWorker(labels).catch((error: unknown) => this.notStarted.push(String(error)));
      });
    }
    return worker;
  }

  deploy(pipeline: string, text: string): Promise<string> {
    return this.server.trigger(pipeline, { inputs: { text } });
  }

  /** Newest first. @param name as of `idOf` */
  async deploymentsOf(name: string): Promise<readonly DeploymentBody[]> {
    const [environment, service] = idOf(name).split('/');
    const path = `/api/deployments?environment=${environment}&service=${service}`;
    return (await this.server.call<{ items: readonly DeploymentBody[] }>('GET', path)).items;
  }

  /** Its first release, `old`, serves; no worker is left that would take a deployment of it. */
  async begin(name: string): Promise<string> {
    const [pipeline = ''] = await this.beginAll([name]);
    return pipeline;
  }

  /** Those that have begun before are left as they are. */
  private async beginAll(names: readonly string[]): Promise<readonly string[]> {
    const added = names.filter((name) => !this.pipelines.has(name));
    const first = added.length > 0 ? await this.startWorker(added.join(',')) : undefined;
    await Promise.all(
      added.map(async (name) => {
        const pipeline = await this.server.createPipeline(await this.subject.yaml(name));
        const { status } = await this.server.finished(await this.deploy(pipeline, 'old'), END_MS);
        const [made] = await this.deploymentsOf(name);
        // With why, where it has failed.
        expect([status, made?.reason]).toMatchObject(['success', { code: 'release_serves' }]);
        this.pipelines.set(name, pipeline);
      }),
    );
    await first?.end();
    return names.map((name) => this.pipelines.get(name) ?? '');
  }

  /** Nothing is under way, and nothing is left of what does not serve. Newest first. */
  async untilSettled(name: string): Promise<readonly DeploymentBody[]> {
    const services = this.subject.servicesOf?.(name) ?? [name];
    let seen = 'nothing';
    const settled = eventually(async () => {
      const all = await Promise.all(services.map((service) => this.deploymentsOf(service)));
      const open = all.flat().filter(({ status }) => !OVER.includes(status));
      seen = JSON.stringify(open);
      if (open.length > 0) return undefined;
      const left = (await this.subject.leftOf?.(name)) ?? [];
      seen = left.join('\n');
      return left.length === 0 ? this.deploymentsOf(name) : undefined;
    }, END_MS);
    return settled.catch((cause: unknown) => {
      const said = this.server.workers.map((one) => one.output().slice(-SHOWN_OUTPUT));
      const all = [`${name} is not settled: ${seen}`, ...this.notStarted, ...said];
      throw new Error(all.join('\n\n'), { cause });
    });
  }

  serving(name: string): Promise<string> {
    return this.subject.serving(name);
  }

  /** Of releases that have ever served, as the record says. */
  async servedNumbers(service: string): Promise<readonly string[]> {
    const made = (await this.deploymentsOf(service)).filter(({ status }) => status === 'success');
    return [...new Set(made.map(({ release }) => String(release?.number)))];
  }

  /**
   * At each point a worker is killed; another one finds what they have left.
   *
   * @returns the last deployment of each
   */
  async killAtEach(points: readonly DeploymentPoint[]): Promise<readonly DeploymentBody[]> {
    const struck = await this.strikeAtEach('killed', points, 'SIGKILL');
    for (const { name } of struck) await this.subject.expectMeanwhile?.(name);
    await this.startWorker(struck.map(({ name }) => name).join(','));
    return Promise.all(
      struck.map(async (one, index) => {
        const serves = points[index]?.[1];
        // No retry: the execution ends with its worker, the deployment by its record.
        expect(await this.server.finished(one.id, END_MS)).toMatchObject({ status: 'failed' });
        const last = await this.settled(one);
        expect([one.point, last.status]).toEqual([
          one.point,
          serves === 'new' ? 'success' : 'failed',
        ]);
        return last;
      }),
    );
  }

  /**
   * At each point of this run a worker sleeps until another one has its deployment, and then
   * continues.
   */
  async sleepAtEach(all: readonly DeploymentPoint[]): Promise<void> {
    // Of a deployment that has ended nobody takes anything.
    const points = ofThisRun(all).filter(([point]) => point !== 'deployment_ended');
    const struck = await this.strikeAtEach('asleep', points, 'SIGSTOP');
    await this.startWorker(struck.map(({ name }) => name).join(','));
    await Promise.all(
      struck.map(async ({ name, point, worker: asleep }, index) => {
        await this.untilSettled(name);
        asleep.child.kill('SIGCONT');
        await eventually(() => asleep.isOver() || undefined, END_MS);
        await this.untilSettled(name);
        expect([point, await this.serving(name)]).toEqual([point, points[index]?.[1]]);
      }),
    );
  }

  /**
   * The part is killed while a deployment stands at each point of this run, each of a service of
   * its own; then their workers continue. The next part that is lost finds the same services.
   */
  async loseAtEach(part: LostPart, all: readonly LossPoint[]): Promise<void> {
    const points = ofThisRun(all);
    const struck = await this.strikeAtEach('loses', points, 'SIGSTOP');
    await part.kill();
    for (const { worker } of struck) worker.child.kill('SIGCONT');
    if (part.isBesideTraffic === true) {
      for (const { name } of struck) await this.subject.expectMeanwhile?.(name);
    }
    await part.restore?.();
    // On a slow machine one that was stopped first may have lost its lease before the last was.
    const other = await this.startWorker(struck.map(({ name }) => name).join(','));
    await Promise.all(
      struck.map(async (one, index) => {
        const { point, worker } = one;
        const { status: end } = await this.server.finished(one.id, END_MS);
        const { status, reason } = await this.settled(one);
        if (worker.isOver() || (await this.server.isLost(worker))) return;
        const serves = points[index]?.[1] ?? 'either';
        if (serves !== 'either') {
          expect([point, reason, status]).toEqual([
            ...[point, reason, serves === 'new' ? 'success' : 'failed'],
          ]);
        }
        if (part.hidesEnd !== true) expect([point, end]).toEqual([point, status]);
        const codes = status === 'success' ? ['release_serves'] : part.reasons;
        expect([point, reason, codes.includes(reason.code)]).toEqual([point, reason, true]);
      }),
    );
    await Promise.all([other, ...struck.map(({ worker }) => worker)].map((one) => one.end()));
  }

  /** What was hit is over: all of it is new, or all is as before, and the record says which. */
  private async settled({ name, point, before, text }: StruckDeployment): Promise<DeploymentBody> {
    const [last] = await this.untilSettled(name);
    if (last === undefined) throw new Error(`${name} has no deployment`);
    const expected = last.status === 'success' ? text : before;
    expect([point, last.reason, await this.serving(name)]).toEqual([point, last.reason, expected]);
    return last;
  }

  /** The other one of `old` and `new` is deployed at each point, until its worker is hit there. */
  private async strikeAtEach(
    what: string,
    points: readonly LossPoint[],
    blow: 'SIGKILL' | 'SIGSTOP',
  ): Promise<readonly StruckDeployment[]> {
    const names = points.map(([point]) => nameOf(what, point));
    const pipelines = await this.beginAll(names);
    const served = await Promise.all(names.map((name) => this.serving(name)));
    // All are there before any is hit: one that came later could take up what another one has
    // left, and come to its own point in that.
    const workers = await Promise.all(
      points.map(([point], index) => this.startWorker(names[index] ?? '', `${point}:${blow}`)),
    );
    return Promise.all(
      points.map(async ([point], index) => {
        const [name = '', before = '', worker] = [names[index], served[index], workers[index]];
        if (worker === undefined) throw new Error(`no worker for ${name}`);
        const text = before === 'new' ? 'old' : 'new';
        const id = await this.deploy(pipelines[index] ?? '', text);
        const isHit = (): boolean => (blow === 'SIGKILL' ? worker.isOver() : isStopped(worker.pid));
        await eventually(() => isHit() || undefined, END_MS);
        return { name, point, before, text, worker, id };
      }),
    );
  }

  /**
   * `new` serves, and what `ask` asks for is under way, when its worker is killed; so at each
   * point, of a service for each. Any worker of the host may take it: so they come one after
   * another, and may find what the one before has left, too. The last one comes to stay.
   *
   * @param askedOf the service that it is asked of. Default: the one that is given to `ask`
   * @returns the names
   */
  async killAskedAtEach(
    what: string,
    points: readonly FailPoint[],
    ask: (name: string, latest: DeploymentBody) => Promise<unknown>,
    askedOf: (name: string) => string = String,
  ): Promise<readonly string[]> {
    const names = points.map((point) => nameOf(what, point));
    const pipelines = await this.beginAll(names);
    const first = await this.startWorker(names.join(','));
    const made = pipelines.map((pipeline) => this.deploy(pipeline, 'new'));
    for (const id of await Promise.all(made)) await this.server.finished(id, END_MS);
    await first.end();
    for (const [index, point] of points.entries()) {
      const name = names[index] ?? '';
      const [latest] = await this.deploymentsOf(name);
      if (latest === undefined) throw new Error(`${name} has no deployment`);
      await ask(name, latest);
      for (let begun = false; !begun;) {
        const doomed = await this.startWorker(`doomed-${name}`, point);
        await eventually(() => doomed.isOver() || undefined, END_MS);
        // It may have died of what the one before has left.
        const [now = latest] = await this.deploymentsOf(askedOf(name));
        begun = now.deployment_id !== latest.deployment_id && now.status !== 'pending';
      }
    }
    await this.startWorker(names.join(','));
    return names;
  }

  /**
   * `new` serves again, or `old` does, as the record says, at each point of this run.
   */
  async killRollbackAtEach(all: readonly FailPoint[]): Promise<void> {
    const own = all.filter((point) => !DONE_ONCE.includes(point));
    const points = ofThisRun(own.map((point) => [point] as const)).map(([point]) => point);
    const names = await this.killAskedAtEach('back', points, (_name, { deployment_id: id }) =>
      this.server.call('POST', `/api/deployments/${id}/rollback`),
    );
    await this.expectOldOrNew(names, 'rollback');
  }

  /**
   * `old` is deployed by the API, without a step, while `new` serves. Without `npm run faults` only
   * at two points: behind what is undone, and behind what is finished.
   *
   * @param bodyOf what is asked for
   */
  async killDirectAtEach(
    all: readonly DeploymentPoint[],
    bodyOf: (name: string) => Promise<unknown>,
  ): Promise<void> {
    const points = all.filter(([point]) => IS_WHOLE_ROUND || DIRECT_POINTS.includes(point));
    const names = await this.killAskedAtEach(
      ...(['direct', points.map(([point]) => point)] as const),
      async (name) => this.server.call('POST', '/api/deployments', await bodyOf(name)),
    );
    await this.expectOldOrNew(names, 'deploy');
    for (const [index, [point, serves]] of points.entries()) {
      const [made] = await this.deploymentsOf(names[index] ?? '');
      if (OF_OTHERS_TOO.includes(point)) continue;
      expect([names[index], made?.status]).toEqual([
        ...[names[index], serves === 'new' ? 'success' : 'failed'],
      ]);
    }
  }

  /** As the record of the last one says. */
  private async expectOldOrNew(names: readonly string[], kind: string): Promise<void> {
    await Promise.all(
      names.map(async (name) => {
        const [last] = await this.untilSettled(name);
        expect([name, last?.kind]).toEqual([name, kind]);
        const expected = last?.status === 'success' ? 'old' : 'new';
        expect([name, last?.reason, await this.serving(name)]).toEqual([
          ...[name, last?.reason, expected],
        ]);
      }),
    );
  }

  /**
   * `new` is promoted to `production`, at each point of this run.
   *
   * @param where in the request: the place that it gets there
   * @param expectThere looks at `production/NAME`; what serves in `default` is looked at here
   */
  async killPromotionAtEach(
    all: readonly FailPoint[],
    where: (name: string) => object | Promise<object>,
    expectThere: (name: string, isThere: boolean) => Promise<void>,
  ): Promise<void> {
    const points = ofThisRun(all.map((point) => [point] as const)).map(([point]) => point);
    const there = (name: string): string => `production/${name}`;
    const promote = async (name: string, latest: DeploymentBody): Promise<unknown> =>
      this.server.call('POST', `/api/deployments/${latest.deployment_id}/promote`, {
        ...{ environment: 'production', ...(await where(name)) },
      });
    const names = await this.killAskedAtEach('promoted', points, promote, there);
    await Promise.all(
      names.map(async (name) => {
        const made = await eventually(async () => {
          const [last] = await this.deploymentsOf(there(name));
          return last && OVER.includes(last.status) ? last : undefined;
        }, END_MS);
        expect([name, made.kind]).toEqual([name, 'promote']);
        await expectThere(name, made.status === 'success');
        // Its first release ends behind the drain.
        await this.untilSettled(name);
        expect([name, await this.serving(name)]).toEqual([name, 'new']);
      }),
    );
  }

  /**
   * A removal is finished by whoever finds it.
   *
   * @param isGone nothing is left of the service
   */
  async killRemovalAtEach(isGone: (name: string) => boolean | Promise<boolean>): Promise<void> {
    const names = await this.killAskedAtEach('removed', REMOVAL_POINTS, (name) =>
      this.server.call('DELETE', `/api/services/default%2F${name}`),
    );
    await Promise.all(
      names.map(async (name) => {
        await this.lastSucceeds(name, 'service_removed');
        await eventually(async () => (await isGone(name)) || undefined, END_MS);
      }),
    );
  }

  /**
   * A stop is finished by whoever finds it, and what was stopped can be started.
   *
   * @param isStopped nothing of the service runs, and its route is all that it has
   * @param answer what the outside is answered
   * @param of default: a service that is no unit
   */
  async killStopAtEach(
    isStopped: (name: string) => Promise<boolean>,
    answer: (name: string) => Promise<string>,
    of: { readonly points: readonly FailPoint[]; readonly startedBy: string } = {
      points: STOP_POINTS,
      startedBy: 'service_started',
    },
  ): Promise<void> {
    const ask = (name: string, what: 'stop' | 'start'): Promise<unknown> =>
      this.server.call('POST', `/api/services/default%2F${name}/${what}`);
    const names = await this.killAskedAtEach('stopped', of.points, (name) => ask(name, 'stop'));
    await Promise.all(
      names.map(async (name) => {
        await this.lastSucceeds(name, 'service_stopped');
        await eventually(async () => (await isStopped(name)) || undefined, END_MS);
        expect(await answer(name)).toBe('This service is stopped.\n');
        const service = await this.server.call('GET', `/api/services/default%2F${name}`);
        expect(service).toMatchObject({ status: 'stopped', stopped: { reason: null } });
        await ask(name, 'start');
        await this.lastSucceeds(name, of.startedBy);
        expect(await answer(name)).toBe('new');
      }),
    );
  }

  /** The last deployment ends so, whoever does it. */
  private async lastSucceeds(name: string, code: string): Promise<void> {
    const { status, reason } = await eventually(async () => {
      const [last] = await this.deploymentsOf(name);
      return last !== undefined && OVER.includes(last.status) ? last : undefined;
    }, END_MS);
    expect([name, status, reason]).toMatchObject([name, 'success', { code }]);
  }

  /** A release is deployed, and its worker stands still at the point, until it gets SIGCONT. */
  async holdAt(
    name: string,
    pipeline: string,
    point: FailPoint,
    text = 'new',
  ): Promise<HeldDeployment> {
    const worker = await this.startWorker(name, `${point}:SIGSTOP`);
    const id = await this.deploy(pipeline, text);
    await eventually(() => isStopped(worker.pid) || undefined, END_MS);
    return { worker, id };
  }

  /**
   * `text` is deployed, and `hit` lands at some moment of it; then another worker comes. By the
   * record it serves, or what served before does.
   */
  async hitOnce(
    {
      name,
      pipeline,
      text,
    }: { readonly name: string; readonly pipeline: string; readonly text: string },
    hit: (worker: ServerProcess) => Promise<void>,
  ): Promise<void> {
    const before = await this.serving(name);
    const worker = await this.startWorker(name);
    const id = await this.deploy(pipeline, text);
    await this.server.until(id, ({ status }) => status === 'running', END_MS);
    await hit(worker);
    const next = await this.startWorker(name);
    await this.server.finished(id, END_MS);
    // It may have been hit before it came to the deployment.
    const own = (await this.untilSettled(name)).find((one) => one.execution_id === id);
    expect(await this.serving(name)).toBe(own?.status === 'success' ? text : before);
    await worker.end();
    await next.end();
  }
}

/** The API, which no deployment needs that is under way. */
export function apiOf(server: MillraceServer, jitter: Jitter): LostPart {
  return {
    name: 'API',
    kill: async () => server.api?.end('SIGKILL'),
    restore: async () => {
      await jitter.before(2_000);
      await server.startApi();
    },
    reasons: [],
    isBesideTraffic: true,
  };
}

export function nameOf(what: string, point: string): string {
  return `${what}-${point.replaceAll('_', '-')}`;
}
