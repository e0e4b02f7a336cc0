import { Injectable } from '@nestjs/common';
import { BackgroundRounds } from '../../integrations/database/background-rounds.js';
import { isDatabaseUnavailable } from '../../integrations/database/database-errors.js';
import { ForgeError } from '../../integrations/forge/forge.js';
import { RepositoriesService } from '../../repositories/repositories.service.js';
import type { RepositoryDocument } from '../../repositories/repository.schema.js';
import { DeliveryInbox } from '../deliveries/delivery-inbox.js';
import { type HeadCheck, HeadStore } from './head-store.js';
import { HeadsSource } from './heads-source.js';

const ROUND_MS = 5_000;
/** From one comparison to the next: a request for each hundred branches. */
const COMPARE_EVERY_MS = 600_000;
/**
 * After a start once more: a push that came while the server started may have failed at the forge
 * after the first comparison, or have been listed there a moment later.
 */
const AFTER_START_MS = 30_000;
/** Whoever compares has done so within this time, or is dead. */
const CLAIM_MS = 60_000;
/** A webhook that is on its way comes within this time, and knows more than the heads do. */
const SETTLE_MS = 10_000;
/** So are deliveries that the forge was asked to send again. */
const REDELIVERY_MS = 60_000;
const KEPT_MS = 14 * 24 * 3_600_000;
const SWEEP_EVERY_ROUNDS = 720;

/** What a comparison found, and when the next one is due. */
interface Compared extends Pick<HeadCheck, 'begunAt' | 'differing'> {
  readonly nextInMs: number;
}

/**
 * Finds what was pushed while no webhook reached us: when a process starts, half a minute later,
 * and every ten minutes, the heads at the forge are compared with those that were seen last. Of
 * several processes one asks.
 */
@Injectable()
export class MissedPushes extends BackgroundRounds {
  private startedAt = Date.now();
  private count = 0;

  constructor(
    private readonly store: HeadStore,
    private readonly repositories: RepositoriesService,
    private readonly source: HeadsSource,
    private readonly inbox: DeliveryInbox,
  ) {
    super({ everyMs: ROUND_MS, firstAfterMs: 500 });
  }

  override onApplicationBootstrap(): void {
    this.startedAt = Date.now();
    super.onApplicationBootstrap();
  }

  protected async work(now: number): Promise<void> {
    // Before the repositories: a check of one that is not among these is left over.
    const checks = new Map((await this.store.checks()).map((one) => [one.repositoryId, one]));
    for (const repository of await this.repositories.all()) {
      const check = checks.get(repository._id);
      checks.delete(repository._id);
      if (!this.source.isOf(repository)) continue;
      await this.guarded(repository._id, () => this.look(repository, check));
    }
    for (const id of checks.keys()) await this.store.removeRepository(id);
    if (this.count++ % SWEEP_EVERY_ROUNDS === 0) {
      await this.store.removeBefore(new Date(now - KEPT_MS));
    }
  }

  /** What is wrong with one repository keeps no other from being looked at. */
  private async guarded(repositoryId: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (isDatabaseUnavailable(error)) throw error;
      this.logger.error({ err: error, repositoryId }, 'the heads of a repository are not compared');
    }
  }

  private async look(repository: RepositoryDocument, check: HeadCheck | undefined): Promise<void> {
    const { _id: repositoryId, created_at: connectedAt } = repository;
    if (check?.begunAt && check.begunAt < connectedAt) {
      // It was connected before, and nobody listened in between on purpose.
      await this.store.removeRepository(repositoryId);
      return;
    }
    // A check finds whether the forge can be asked again.
    if (repository.problem !== null || !this.isDue(check)) return;
    const claimed: HeadCheck = {
      repositoryId,
      begunAt: check?.begunAt ?? null,
      differing: check?.differing ?? new Map(),
      askedAt: new Date(),
      nextAt: new Date(Date.now() + CLAIM_MS),
    };
    if (!(await this.store.claimCheck(check, claimed))) return;
    const { nextInMs, ...found } = await this.ask(repository, claimed, check?.askedAt);
    const nextAt = new Date(Date.now() + nextInMs);
    await this.store.claimCheck(claimed, { ...claimed, ...found, nextAt });
  }

  private isDue(check: HeadCheck | undefined): boolean {
    if (check === undefined || check.nextAt.getTime() <= Date.now()) return true;
    return check.askedAt.getTime() < this.startedAt;
  }

  private async ask(
    repository: RepositoryDocument,
    check: HeadCheck,
    askedBefore: Date | undefined,
  ): Promise<Compared> {
    try {
      return await this.compare(repository, check, askedBefore);
    } catch (error) {
      if (!(error instanceof ForgeError)) throw error;
      const repositoryId = repository._id;
      if (error.code === 'unauthorized' || error.code === 'forbidden') {
        await this.repositories.noteProblem(repositoryId, error);
      }
      this.logger.warn({ err: error, repositoryId }, 'the heads at the forge are not known');
      const { begunAt, differing } = check;
      const pauseMs = error.isPassing ? CLAIM_MS : COMPARE_EVERY_MS;
      return { begunAt, differing, nextInMs: error.retryAfterMs ?? pauseMs };
    }
  }

  /** @param askedBefore when what the check knows was found */
  private async compare(
    repository: RepositoryDocument,
    { begunAt, differing: differed }: HeadCheck,
    askedBefore = new Date(),
  ): Promise<Compared> {
    if (begunAt !== null && (await this.redeliver(repository, begunAt)) > 0) {
      return { begunAt, differing: differed, nextInMs: REDELIVERY_MS };
    }
    // Before the forge is asked: a push that is decided meanwhile is no older than what it says.
    const seen = await this.store.heads(repository._id);
    const there = await this.source.heads(repository);
    const isFirst = begunAt === null;
    if (isFirst) await this.store.begin(repository._id, there);
    // The first look may come late, as the forge may have been away: a branch that a webhook told
    // of by then is compared as ever.
    const isCompared = (branch: string): boolean => !isFirst || seen.has(branch);
    const differing = new Map(
      [...there].filter(
        ([branch, commit]) => isCompared(branch) && seen.get(branch)?.commit !== commit,
      ),
    );
    const hadTime = Date.now() - askedBefore.getTime() >= SETTLE_MS;
    const settled = [...differing].filter(
      ([branch, commit]) => hadTime && differed.get(branch) === commit,
    );
    for (const [branch, commit] of settled) {
      const head = seen.get(branch);
      await this.inbox.receiveMissed(
        repository,
        { branch, commit, before: head?.commit ?? null },
        head?.deliveryId ?? null,
      );
    }
    const isSettled = settled.length === differing.size;
    const hasJustStarted = Date.now() - this.startedAt < AFTER_START_MS;
    const pauseMs = hasJustStarted ? AFTER_START_MS : COMPARE_EVERY_MS;
    const nextInMs = isSettled ? pauseMs : SETTLE_MS;
    return { begunAt: begunAt ?? new Date(), differing, nextInMs };
  }

  /** How many deliveries that have failed the forge sends again. */
  private async redeliver(repository: RepositoryDocument, since: Date): Promise<number> {
    try {
      return await this.source.redeliver(repository, since);
    } catch (error) {
      // The heads tell of pushes without it, and need no right to administer webhooks.
      if (!(error instanceof ForgeError) || error.isPassing) throw error;
      this.logger.debug({ err: error, repositoryId: repository._id }, 'nothing is sent again');
      return 0;
    }
  }
}
