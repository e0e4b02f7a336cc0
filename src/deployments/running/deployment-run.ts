import { isDeepStrictEqual } from 'node:util';
import { failPoint } from '../../common/fail-point.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import { shownSize } from '../../common/values/shown-size.js';
import { quoted } from '../../common/values/redact-urls.js';
import { messageOf } from '../../common/values/error-message.js';
import type { Reason } from '../../engine/plan/run-state.js';
import {
  type Deployment,
  hostOf,
  isFinished,
  placed,
  placeOn,
  sshOf,
  type Release,
  type Service,
  type TargetSettings,
} from '../record/deployment.js';
import {
  PlaceTakenError,
  type ReleaseChange,
  type ServicePlace,
} from '../record/deployment-store.js';
import {
  DeployRefusedError,
  type DeployTarget,
  type ReleaseRunner,
} from '../targets/deploy-target.js';
import { isDatabaseUnavailable } from '../../integrations/database/database-errors.js';
import { deploymentReasons } from './deployment-reasons.js';
import { expiredReleases, neededByUnit, unfinishedReleases } from './expired-releases.js';
import {
  DeploymentFencedError,
  type DeploymentTools,
  isOfTarget,
  reasonOf,
  RecordedRun,
  type RunDeployment,
} from './recorded-run.js';

/** Characters of a command that the log shows. */
const SHOWN = 200;
/** From an answer of the instance to the switch: with the switch itself at most a second. */
const FRESH_MS = 500;

/**
 * Does one deployment that this worker has taken, from wherever it stands to its end. What it is
 * about to do is stored before it does it. After a crash another worker takes the record, looks at
 * what really serves, and finishes or undoes.
 */
export class DeploymentRun extends RecordedRun<TargetSettings> {
  protected readonly target: DeployTarget;
  protected release: Release<TargetSettings> | undefined;
  private previous: Release<TargetSettings> | undefined;
  /** When the instance has answered last, by the clock of this process, ms. */
  private answeredAt = -Infinity;

  constructor(deployment: Deployment, tools: DeploymentTools, asked: RunDeployment) {
    super(placed(deployment), tools, asked);
    this.target = tools.targetOf(this.deployment.settings);
  }

  /** Its files were those of a step, which ended with its worker. */
  protected override isOrphan(): boolean {
    const { kind, phase, unit } = this.deployment;
    if (phase !== null && phase !== 'plan') return false;
    // Of a part of a unit there is nobody who would let it switch.
    if (unit !== undefined && unit.takes_back !== true) return this.asked.barrier === undefined;
    return kind === 'deploy' && this.asked.source === undefined;
  }

  protected override async load(): Promise<void> {
    const { release_id: id, previous_release_id: before } = this.deployment;
    this.release = await this.releaseOf(id);
    this.previous = await this.releaseOf(before);
  }

  /** What it puts into service, or copies, has served there: what is done once was done. */
  protected get hasServed(): boolean {
    return this.isBack;
  }

  /** It may be of a part of a unit by itself: that has the same releases as before. */
  protected get mayBeOfPart(): boolean {
    return false;
  }

  /** It puts something there that was not there before. */
  private get makesRelease(): boolean {
    return !this.hasServed || this.deployment.source_release_id !== undefined;
  }

  private get isBack(): boolean {
    return this.deployment.kind === 'rollback';
  }

  private async releaseOf(id: string | null): Promise<Release<TargetSettings> | undefined> {
    const release = id === null ? undefined : await this.store.release(id);
    return release && placed(release);
  }

  /** On from its phase. */
  protected async fromHere(): Promise<void> {
    const { phase } = this.deployment;
    if (phase === 'clean_up') return this.cleanUp();
    if (phase === 'switch') return this.settleSwitch(deploymentReasons.workerLost());
    if (phase === 'before_switch') {
      return this.undo('failed', deploymentReasons.lostBefore(this.released()));
    }
    if (phase === 'prepare' || phase === 'start' || phase === 'gate') {
      return this.undo('failed', deploymentReasons.workerLost());
    }
    try {
      await this.toSwitch();
    } catch (error) {
      if (error instanceof DeploymentFencedError) throw error;
      await this.afterError(error);
    }
  }

  private async toSwitch(): Promise<void> {
    await this.enter('plan', { status: 'running', started_at: this.now(), reason: null });
    const service = await this.serviceNow();
    if (await this.endIfOvertaken(service)) return;
    const warnings = await this.plan(service);
    const told = this.warnedOf(warnings);
    await this.change({ warnings: told, previous_release_id: service.release_id });
    for (const { message } of told) this.tell(`warning: ${message}`);
    failPoint('deployment_planned');
    if (await this.endIfStopped()) return;
    await this.endWatch();
    if (this.makesRelease) await this.prepare(service);
    if (isFinished(this.deployment) || (await this.endIfStopped())) return;
    const { runner } = this.target;
    if (runner !== undefined) {
      await this.runBefore(runner);
      if (await this.endIfStopped()) return;
      await this.startBeside(runner);
    }
    if (await this.endIfStopped()) return;
    if (await this.isHeldBack()) return;
    if (!(await this.switchOver())) return;
    await this.settleSwitch(deploymentReasons.failed('the switch was made, and is gone'));
  }

  /** From here on somebody looks after what serves: nothing goes back by itself. */
  private async endWatch(): Promise<void> {
    const { previous } = this;
    const { kind, triggered_by: by, failed_release_id: failed } = this.deployment;
    if (kind !== 'deploy' && kind !== 'rollback') return;
    if (failed !== undefined || !previous?.watch_until) return;
    if (previous.watch_until > this.now()) {
      this.tell(`release ${previous.number} is not watched any more: ${by} deploys`);
    }
    await this.store.changeRelease(previous._id, { watch_until: null });
    this.previous = { ...previous, watch_until: null };
  }

  /** One that has never served gets its place by its turn. */
  protected override async foresee(service: Service): Promise<readonly Reason[]> {
    if (service.release_id !== null) await this.mustFit(service);
    const serving = await this.releaseOf(service.release_id);
    if (this.makesRelease) this.checkAge(serving);
    const { settings } = this.deployment;
    // A plan for what runs takes its port.
    if (settings.type !== 'local_directory') return [];
    return this.target.plan(service._id, settings);
  }

  /** @throws DeployRefusedError */
  protected async plan(known: Service): Promise<readonly Reason[]> {
    const { settings } = this.deployment;
    const host = hostOf(settings, this.tools.host);
    const service = known.release_id === null ? await this.placed(known, host) : known;
    await this.mustFit(service);
    this.previous = await this.releaseOf(service.release_id);
    if (this.makesRelease) this.checkAge(this.previous);
    else await this.checkKept();
    const told = await this.target.plan(service._id, settings);
    return [...told, ...(await this.environmentWarnings())];
  }

  /** What serves stays what it is, and where. @throws DeployRefusedError */
  private async mustFit(service: Service): Promise<void> {
    const { settings } = this.deployment;
    const host = hostOf(settings, this.tools.host);
    const refuse = (reason: Reason): never => {
      throw new DeployRefusedError(reason);
    };
    const unit = this.deployment.unit?.service_id ?? null;
    if ((service.unit ?? null) !== unit && !this.mayBeOfPart) {
      refuse(
        service.unit ? deploymentReasons.partOfUnit(service) : deploymentReasons.noPart(service),
      );
    }
    if (service.service_type !== this.deployment.type) {
      refuse(deploymentReasons.otherType(service));
    }
    const isElsewhere = service.host !== host;
    if (isElsewhere && sshOf(settings) !== undefined) {
      refuse(deploymentReasons.otherPlace(service._id, service.place));
    }
    if (isElsewhere) refuse(deploymentReasons.otherHost(service._id, service.host));
    const place = this.target.placeOf(settings);
    const own = placeOn(host, place);
    if (service.place !== own) refuse(deploymentReasons.otherPlace(service._id, service.place));
    for (const { _id, place: other } of await this.store.servicesOn(host)) {
      const isApart = !other.startsWith(`${own}/`) && !own.startsWith(`${other}/`);
      if (_id !== service._id && !isApart) refuse(deploymentReasons.placeTaken(place, _id));
    }
  }

  private async environmentWarnings(): Promise<readonly Reason[]> {
    const { environments } = this.tools;
    if (!this.isBack || this.release === undefined || environments === undefined) return [];
    return environments.warnings(this.release, this.previous);
  }

  /** A service that has never served lives where it is deployed to. @throws DeployRefusedError */
  private async placed(service: Service, host: string): Promise<Service> {
    const own = this.target.placeOf(this.deployment.settings);
    const place = placeOn(host, own);
    const { type: service_type, unit } = this.deployment;
    const at = { host, place, service_type, unit: unit?.service_id ?? null };
    if (isDeepStrictEqual(at, placeOf(service))) return service;
    try {
      await this.store.takePlace(service._id, at);
    } catch (error) {
      if (!(error instanceof PlaceTakenError)) throw error;
      throw new DeployRefusedError(deploymentReasons.placeTaken(own, error.serviceId));
    }
    return { ...service, ...at };
  }

  /** A release that is kept is what it was, or nobody goes back to it. */
  private async checkKept(): Promise<void> {
    const { release } = this;
    if (release === undefined) throw new Error('a rollback to no release');
    const digest = await this.target.digestOf(this.reached(release));
    if (digest === undefined) {
      throw new DeployRefusedError(deploymentReasons.releaseGone(release.number));
    }
    if (digest !== release.digest) {
      throw new DeployRefusedError(deploymentReasons.releaseChanged(release.number));
    }
  }

  private async prepare(service: Service): Promise<void> {
    const { source, signal, datedBy } = this.asked;
    if (source === undefined) throw new Error('a deploy of nothing');
    const { _id, settings, environment, service: name, type, host } = this.deployment;
    const { execution_id, pipeline_id, commit } = this.deployment;
    const number = await this.store.nextRelease(service._id);
    const release: Release<TargetSettings> = {
      ...{ _id: uuidV7(), service_id: service._id, environment, service: name, number },
      ...{ type, settings, host, status: 'preparing', deployment_id: _id },
      ...{ execution_id, pipeline_id, commit, dated_by: datedBy ?? execution_id },
      ...{ digest: null, files: 0, bytes: 0, created_at: this.now(), served_at: null },
    };
    // Named before it is there: what a crash leaves of it is found.
    await this.enter('prepare', { release_id: release._id });
    this.release = release;
    await this.store.insertRelease(release);
    const what = preparedFrom(settings, this.target.placeOf(settings));
    this.tell(`release ${number} of ${service._id} is prepared ${what}`);
    const { warnings, ...placed } = await this.target.prepare(
      ...([release, source, signal, this.previous?.number] as const),
    );
    this.release = { ...release, ...placed, status: 'prepared' };
    await this.store.changeRelease(release._id, { ...placed, status: 'prepared' });
    const { files, bytes } = placed;
    const count = files === 0 ? [] : [`${files} ${files === 1 ? 'file' : 'files'}`];
    this.tell([...count, shownSize(bytes), placed.digest].join(', '));
    await this.warnOnce(warnings);
    const { digest } = this.asked;
    if (digest !== undefined && placed.digest !== digest) {
      throw new DeployRefusedError(deploymentReasons.digestDiffers(digest, placed.digest));
    }
    failPoint('release_prepared');
    if (!service.stopped) await this.keepServing(placed.digest);
  }

  /** What an earlier attempt of the execution has put into service is not put there again. */
  private async keepServing(digest: string): Promise<void> {
    const { previous, release } = this;
    const { execution_id: execution } = this.deployment;
    if (previous === undefined || release === undefined || execution === null) return;
    if (previous.execution_id !== execution || previous.digest !== digest) return;
    // Of a program its files are not all: how it is run is part of the release.
    const isProgram = release.settings.type !== 'local_directory';
    if (isProgram && !isDeepStrictEqual(previous.settings, release.settings)) return;
    await this.target.remove(release);
    await this.store.changeRelease(release._id, { status: 'failed' });
    this.release = previous;
    await this.end('success', deploymentReasons.unchanged(previous), {
      release_id: previous._id,
    });
  }

  /** Once for each release: one that has served and comes back has done it. */
  private async runBefore(runner: ReleaseRunner): Promise<void> {
    const release = this.released();
    const what = runner.before(release.settings);
    if (what === undefined || this.hasServed) return;
    await this.enter('before_switch');
    this.tell(`release ${release.number} runs ${what}, whose changes nobody takes back`);
    failPoint('before_switch_begun');
    await this.unlessCancelled((signal, tell) => runner.runBefore(release, tell, signal));
  }

  /** The instance of the release runs, and has answered. */
  private async startBeside(runner: ReleaseRunner): Promise<void> {
    const release = await this.enterStart();
    this.tell(`release ${release.number} is started`);
    await this.inTurn(release, async () => {
      if (await this.isAnew(release)) await runner.stop(release);
      await runner.start(release);
    });
    failPoint('instance_started');
    await this.enter('gate');
    await this.unlessCancelled((signal, tell) => runner.gate(release, tell, signal));
    this.answeredAt = performance.now();
    await this.warnOnce(await runner.warnings(release));
    failPoint('gate_passed');
  }

  /** With the instance that is started, which is stored before it is there. */
  protected async enterStart(): Promise<Release<TargetSettings>> {
    await this.enter('start');
    return this.released();
  }

  /**
   * What is kept does not run. Of its last instance, of which something may be left, nothing is
   * taken for the new one.
   */
  protected async isAnew({ _id }: Release): Promise<boolean> {
    return this.isBack && (await this.store.release(_id))?.status === 'kept';
  }

  /** Ends early, and quietly, where somebody cancels meanwhile. */
  protected async unlessCancelled(
    work: (signal: AbortSignal, tell: (line: string) => void) => Promise<void>,
  ): Promise<void> {
    const cancelled = new AbortController();
    const signal = AbortSignal.any([this.asked.signal, cancelled.signal]);
    const watch = this.abortOnCancel(cancelled);
    const said: string[] = [];
    try {
      await work(signal, (line) => this.tell(line, said));
    } catch (error) {
      if (!cancelled.signal.aborted || error !== cancelled.signal.reason) throw error;
    } finally {
      this.keepSaid(said);
      await watch.stop();
    }
  }

  /** True: its unit has not let it switch, and it is undone. */
  private async isHeldBack(): Promise<boolean> {
    const release = this.released();
    const { runner } = this.target;
    const word = await this.asked.barrier?.(async (signal) => {
      await runner?.gate(release, () => undefined, signal);
      this.answeredAt = performance.now();
    });
    if (word?.kind !== 'undo') return false;
    await this.undo(word.status, word.reason);
    return true;
  }

  /** False: it has ended before. */
  private async switchOver(): Promise<boolean> {
    const release = this.released();
    const { _id, fence } = this.deployment;
    const token = `${_id}.${fence}`;
    await this.change({ is_armed: true });
    await this.target.arm(release, token);
    await this.lookOnceMore(release);
    // That may have taken minutes, in which whoever cancels was told that it is done.
    if (await this.endIfStopped()) return false;
    if (!(await this.enterSwitch())) return false;
    failPoint('deployment_switching');
    await this.target.switchTo(release, token);
    failPoint('release_switched');
    return true;
  }

  /** What has passed its gate a while ago may have failed since. */
  private async lookOnceMore(release: Release<TargetSettings>): Promise<void> {
    const { runner } = this.target;
    if (runner === undefined || performance.now() - this.answeredAt < FRESH_MS) return;
    const problem = await runner.answer(release);
    if (problem === undefined) return;
    this.tell(`release ${release.number} answers no more: ${problem}`);
    await this.unlessCancelled((signal, tell) => runner.gate(release, tell, signal));
  }

  /**
   * On which side of the switch the service is, by what really serves.
   * @param otherwise why the release does not serve, where it does not
   */
  private async settleSwitch(otherwise: Reason): Promise<void> {
    const release = this.released();
    await this.target.disarm(release.settings);
    if (!(await this.isServing(release))) return this.undo('failed', otherwise);
    await this.recordSwitch(release);
    failPoint('deployment_serving');
    await this.asked.switched?.();
    await this.cleanUp();
  }

  /** The record says that the release serves, and the deployment is in `clean_up`. */
  protected async recordSwitch(release: Release<TargetSettings>): Promise<void> {
    const at = this.now();
    const { previous } = this;
    // Of a service that was stopped it has drained.
    const retired = previous?.status === 'serving' ? this.retired(previous, release, at) : {};
    if (previous !== undefined && previous._id !== release._id) {
      await this.makeRoomToDrain({ ...previous, ...retired }, release._id);
    }
    const serving = { drain_until: null, watch_until: this.watchedUntil(release, at) };
    await this.recordServing({ previous, release }, { retired, serving }, at);
  }

  private async isServing(release: Release<TargetSettings>): Promise<boolean> {
    const { settings, number, instance = 0 } = release;
    if ((await this.target.serving(settings)) !== number) return false;
    const { runner } = this.target;
    if (runner === undefined) return true;
    return (await runner.instanceServing(settings)) === instance;
  }

  /** Where nothing served before there is nothing to go back to. */
  private watchedUntil({ settings }: Release<TargetSettings>, at: Date): Date | null {
    const ms = this.target.runner?.watchMs(settings) ?? 0;
    const isWatched = ms > 0 && this.previous !== undefined && !this.hasServed;
    return isWatched ? new Date(at.getTime() + ms) : null;
  }

  /**
   * What served before: where it is a program, that has a while for what it has begun, and for the
   * files that the one behind it still wants of it.
   */
  private retired(
    before: Release<TargetSettings>,
    behind: Release<TargetSettings>,
    at: Date,
  ): ReleaseChange {
    const { runner } = this.target;
    if (runner === undefined) return { status: 'kept' };
    const ms = Math.max(runner.drainMs(before.settings), runner.keepAssetsMs(behind.settings));
    const drain_until = new Date(at.getTime() + ms);
    return { status: 'draining', drain_until, drains_since: at };
  }

  /** What fails here takes nothing back. */
  protected async cleanUp(): Promise<void> {
    const release = this.released();
    const { service_id: serviceId, settings, unit } = this.deployment;
    try {
      const all = await this.store.releasesOf(serviceId);
      const own = [release._id, this.previous?._id].filter((id) => id !== undefined);
      const needed = [...own, ...(await neededByUnit(this.store, unit?.service_id))];
      for (const expired of expiredReleases(all, settings.keep, needed)) {
        await this.target.remove(this.reached(expired));
        await this.store.changeRelease(expired._id, { status: 'removed' });
        this.tell(`release ${expired.number} is removed`);
      }
      for (const left of unfinishedReleases(all).filter(({ _id }) => _id !== release._id)) {
        await this.target.remove(this.reached(left));
        await this.store.changeRelease(left._id, { status: 'failed' });
      }
    } catch (error) {
      if (error instanceof DeploymentFencedError) throw error;
      await this.warnOnce([deploymentReasons.notCleanedUp(messageOf(error))]);
    }
    const before = this.previous?._id === release._id ? undefined : this.previous?.number;
    await this.end('success', deploymentReasons.serves(release, before));
  }

  /** Of a deployment that has not switched. */
  protected override async undo(status: 'failed' | 'cancelled', reason: Reason): Promise<void> {
    const { release_id: id } = this.deployment;
    const { release } = this;
    if (this.makesRelease && id !== null && release !== undefined) {
      let isDisarmed = false;
      try {
        await this.target.disarm(release.settings);
        isDisarmed = true;
        await this.target.remove(release);
        await this.store.changeRelease(release._id, { status: 'failed' });
      } catch (error) {
        if (error instanceof DeploymentFencedError || isDatabaseUnavailable(error)) throw error;
        if (!isOfTarget(error) && !isDisarmed) throw error;
        // It has not switched and nobody will: what is left of it goes with the next one, and that
        // of a program once what runs it is back.
        const warning = deploymentReasons.notCleanedUp(messageOf(error));
        await this.change({ warnings: [...this.deployment.warnings, warning] });
      }
    }
    await this.end(status, reason);
  }

  protected async afterError(error: unknown): Promise<void> {
    const { phase } = this.deployment;
    if (isFinished(this.deployment)) throw error;
    const failed = reasonOf(error);
    if (phase === 'switch') return this.settleSwitch(failed);
    if (phase === 'clean_up') throw error;
    if (this.asked.signal.aborted) return this.undo('cancelled', this.stopReason());
    await this.undo('failed', failed);
    // Whatever the disk says is told; what is no word of a target or a disk is a defect of ours.
    if (!isOfTarget(error) && (error as NodeJS.ErrnoException).code === undefined) throw error;
  }

  /** An earlier release, by the way that leads to its host today. */
  private reached(known: Release): Release<TargetSettings> {
    const release = placed(known);
    const ssh = sshOf(this.deployment.settings);
    const { settings } = release;
    if (ssh === undefined || settings.type !== 'local_directory') return release;
    return { ...release, settings: { ...settings, ssh } };
  }

  protected released(): Release<TargetSettings> {
    if (this.release === undefined) throw new Error('a deployment of no release');
    return this.release;
  }
}

function placeOf({ host, place, service_type, unit = null }: Service): ServicePlace {
  return { host, place, service_type, unit };
}

function preparedFrom(settings: TargetSettings, place: string): string {
  switch (settings.type) {
    case 'local_directory':
      return `in ${place}`;
    case 'docker_container':
      return `of ${settings.image}`;
    case 'local_service':
      return settings.command_from === undefined
        ? 'of its files'
        : `of its files; ${quoted(settings.command_from, SHOWN)} says what is run: ${quoted(String(settings.command), SHOWN)}`;
  }
}
