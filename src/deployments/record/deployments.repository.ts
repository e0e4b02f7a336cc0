import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { type Page, pageOf, type PageRequest } from '../../common/http/paging.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import type { Reason } from '../../engine/plan/run-state.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import type { Approval } from '../../environments/approval.js';
import {
  type Deployment,
  GONE,
  type PlannedStop,
  type Release,
  sealedTextsOf,
  type Service,
  SSH_HOST,
  SWITCHED_PHASES,
  UNFINISHED,
} from './deployment.js';
import {
  type DeploymentChange,
  type DeploymentFilter,
  type DeploymentHold,
  DeploymentStore,
  type HeldService,
  type NewDeployment,
  type NewService,
  noPlace,
  PlaceTakenError,
  type ReleaseChange,
  type ServicePlace,
} from './deployment-store.js';
import { DEPLOYMENT_MODEL, RELEASE_MODEL, SERVICE_MODEL } from './deployment.schema.js';

/** A call waits for the database no longer than this, ms. */
const RETRY = { deadlineMs: 10_000 } as const;
const open = { status: { $in: [...UNFINISHED] } };
/** Services that were not removed. */
const present = { status: { $ne: 'removed' } } as const;

/** The collections `deployments`, `releases` and `services`. */
@Injectable()
export class DeploymentsRepository extends DeploymentStore {
  constructor(
    @InjectModel(DEPLOYMENT_MODEL) private readonly deployments: Model<Deployment>,
    @InjectModel(RELEASE_MODEL) private readonly releases: Model<Release>,
    @InjectModel(SERVICE_MODEL) private readonly serviceRecords: Model<Service>,
  ) {
    super();
  }

  async accept(deployment: NewDeployment, service: NewService): Promise<Deployment> {
    return databaseRetry(async () => {
      const before = await this.withKey(deployment.request_key);
      if (before) return before;
      const turn = await this.nextTurn(service);
      try {
        await this.deployments.insertOne({ ...deployment, turn });
        return { ...deployment, turn };
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        const other = await this.withKey(deployment.request_key);
        if (!other) throw error;
        return other;
      }
    }, RETRY);
  }

  async find(id: string): Promise<Deployment | undefined> {
    return found(await this.deployments.findById(id).lean<Deployment | null>());
  }

  async deploymentsWith(ids: readonly string[]): Promise<ReadonlyMap<string, Deployment>> {
    if (ids.length === 0) return new Map();
    const some = await this.deployments.find({ _id: { $in: [...ids] } }).lean<Deployment[]>();
    return new Map(some.map((one) => [one._id, one]));
  }

  async list(filter: DeploymentFilter, page: PageRequest): Promise<Page<Deployment>> {
    const { environment, service, status, executionId } = filter;
    const rows = await this.deployments
      .find({
        ...(environment !== undefined && { environment }),
        ...(service !== undefined && { service }),
        ...(status !== undefined && { status }),
        ...(executionId !== undefined && { execution_id: executionId }),
        ...(page.after !== undefined && { _id: { $lt: page.after } }),
      })
      .sort({ _id: -1 })
      .limit(page.limit + 1)
      .lean<Deployment[]>();
    return pageOf(rows, page.limit, ({ _id }) => _id);
  }

  async unfinishedOn(host: string): Promise<readonly Deployment[]> {
    return this.deployments
      .find({
        $or: [{ host }, { host: { $regex: `^${SSH_HOST}` } }, { suspended_in: { $gt: 0 } }],
        ...open,
      })
      .sort({ _id: 1 })
      .lean<Deployment[]>();
  }

  async unfinishedIn(environment: string, limit: number): Promise<readonly Deployment[]> {
    return this.deployments
      .find({ environment, ...open })
      .sort({ _id: 1 })
      .limit(limit)
      .lean<Deployment[]>();
  }

  async firstBefore(serviceId: string, turn: number): Promise<Deployment | undefined> {
    return found(
      await this.deployments
        .findOne({ service_id: serviceId, turn: { $lt: turn }, gate: { $ne: 'closed' }, ...open })
        .sort({ turn: 1 })
        .lean<Deployment | null>(),
    );
  }

  async take(
    { _id, fence }: Pick<Deployment, '_id' | 'fence'>,
    workerId: string,
    host?: string,
  ): Promise<Deployment | undefined> {
    const hands = { worker_id: workerId, suspended_in: null, ...(host !== undefined && { host }) };
    const taken = await this.deployments
      .findOneAndUpdate(
        { _id, fence, ...open },
        { $set: { fence: fence + 1, ...hands } },
        { returnDocument: 'after' },
      )
      .lean<Deployment | null>();
    return found(taken);
  }

  async change({ id, fence }: DeploymentHold, change: DeploymentChange): Promise<boolean> {
    const { matchedCount } = await databaseRetry(
      () => this.deployments.updateOne({ _id: id, fence }, { $set: change }),
      RETRY,
    );
    return matchedCount === 1;
  }

  async requestCancel(id: string, by: string): Promise<boolean> {
    const { matchedCount } = await this.deployments.updateOne(
      { _id: id, phase: { $nin: [...SWITCHED_PHASES] }, ...open },
      { $set: { cancel_requested_by: by } },
    );
    return matchedCount === 1;
  }

  async enterSwitch({ id, fence }: DeploymentHold, change: DeploymentChange): Promise<boolean> {
    const { matchedCount } = await databaseRetry(
      () =>
        this.deployments.updateOne(
          { _id: id, fence, cancel_requested_by: null },
          { $set: { ...change, phase: 'switch' } },
        ),
      RETRY,
    );
    return matchedCount === 1;
  }

  async addApproval(id: string, approval: Approval): Promise<boolean> {
    const { by, kind, generation, at } = approval;
    return databaseRetry(async () => {
      const isNew = {
        $and: [
          { approvals: { $not: { $elemMatch: { by, kind, generation } } } },
          { approvals: { $not: { $elemMatch: { kind: 'rejection' } } } },
        ],
      };
      const { matchedCount } = await this.deployments.updateOne(
        { _id: id, gate: 'closed', ...open, ...isNew },
        { $push: { approvals: approval } },
      );
      if (matchedCount === 1) return true;
      // An earlier try of this very call may have done it.
      const { approvals = [] } = (await this.find(id)) ?? {};
      return approvals.some((one) => one.by === by && one.kind === kind && +one.at === +at);
    }, RETRY);
  }

  async openGate({ id, fence }: DeploymentHold): Promise<boolean> {
    const isRejected = { $elemMatch: { kind: 'rejection' } };
    const { matchedCount } = await databaseRetry(
      () =>
        this.deployments.updateOne(
          { _id: id, fence, approvals: { $not: isRejected } },
          { $set: { gate: 'open' } },
        ),
      RETRY,
    );
    return matchedCount === 1;
  }

  async service(id: string): Promise<Service | undefined> {
    return found(await this.serviceRecords.findById(id).lean<Service | null>());
  }

  async services(page: PageRequest): Promise<Page<Service>> {
    const rows = await this.serviceRecords
      .find({ ...present, ...(page.after !== undefined && { _id: { $gt: page.after } }) })
      .sort({ _id: 1 })
      .limit(page.limit + 1)
      .lean<Service[]>();
    return pageOf(rows, page.limit, ({ _id }) => _id);
  }

  async serviceWithUuid(uuid: string): Promise<Service | undefined> {
    return found(
      await this.serviceRecords.findOne({ id: uuid, ...present }).lean<Service | null>(),
    );
  }

  async servicesWith(ids: readonly string[]): Promise<readonly Service[]> {
    if (ids.length === 0) return [];
    return this.serviceRecords.find({ _id: { $in: [...ids] }, ...present }).lean<Service[]>();
  }

  async servicesOn(host: string): Promise<readonly Service[]> {
    return this.serviceRecords
      .find({ host, ...present })
      .sort({ _id: 1 })
      .lean<Service[]>();
  }

  async everServedOn(host: string): Promise<readonly string[]> {
    const ids = await this.releases.distinct('service_id', { host });
    return ids.sort();
  }

  async servicesIn(environment: string, limit: number): Promise<readonly Service[]> {
    return this.serviceRecords
      .find({ environment, ...present })
      .sort({ _id: 1 })
      .limit(limit)
      .lean<Service[]>();
  }

  async environments(): Promise<readonly string[]> {
    const names = await this.serviceRecords.distinct('environment', present);
    return names.sort();
  }

  async claimService(serviceId: string, deploymentId: string): Promise<boolean> {
    const { matchedCount } = await databaseRetry(
      () =>
        this.serviceRecords.updateOne(
          { _id: serviceId, active: { $in: [null, deploymentId] } },
          { $set: { active: deploymentId } },
        ),
      RETRY,
    );
    return matchedCount === 1;
  }

  async heldServices(): Promise<readonly HeldService[]> {
    return this.serviceRecords.find({ active: { $gt: '' } }, { active: 1 }).lean<HeldService[]>();
  }

  async freeService(serviceId: string, deploymentId: string): Promise<void> {
    await databaseRetry(
      () =>
        this.serviceRecords.updateOne(
          { _id: serviceId, active: deploymentId },
          { $set: { active: null } },
        ),
      RETRY,
    );
    const unused = { _id: serviceId, active: null, release_id: null };
    const change = { $set: { place: noPlace(serviceId), unit: null } };
    await databaseRetry(() => this.serviceRecords.updateOne(unused, change), RETRY);
  }

  async takePlace(serviceId: string, at: ServicePlace): Promise<void> {
    const unused = { _id: serviceId, release_id: null };
    const { host, place, service_type, unit = null } = at;
    try {
      const change = { $set: { host, place, service_type, unit, status: 'starting' } } as const;
      await databaseRetry(() => this.serviceRecords.updateOne(unused, change), RETRY);
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      throw await this.placeTaken(at.place);
    }
  }

  async setServing(
    serviceId: string,
    deploymentId: string,
    releaseId: string,
    at: Date,
  ): Promise<boolean> {
    const serving = {
      release_id: releaseId,
      deployment_id: deploymentId,
      process_id: null,
      problem: null,
      stopped: null,
      status: 'running',
      updated_at: at,
    } as const;
    return this.changeHeld({ _id: serviceId, active: deploymentId }, serving);
  }

  async setStopped(serviceId: string, stopped: PlannedStop): Promise<boolean> {
    const { deployment_id: active, at: updated_at } = stopped;
    const change = { status: 'stopped', stopped, process_id: null, problem: null } as const;
    return this.changeHeld({ _id: serviceId, active }, { ...change, updated_at });
  }

  async setStarted(serviceId: string, deploymentId: string, at: Date): Promise<boolean> {
    const change = { status: 'running', stopped: null, updated_at: at } as const;
    return this.changeHeld({ _id: serviceId, active: deploymentId }, change);
  }

  async setNothingServing(serviceId: string, deploymentId: string, at: Date): Promise<boolean> {
    return this.changeHeld(
      { _id: serviceId, active: deploymentId },
      {
        ...{ release_id: null, deployment_id: null, process_id: null, problem: null },
        ...{ status: 'stopped', stopped: null, updated_at: at },
      },
    );
  }

  async retire(serviceId: string, deploymentId: string, at: Date): Promise<boolean> {
    const held = { _id: serviceId, active: deploymentId, release_id: null };
    return this.changeHeld(held, { id: uuidV7(), status: 'removed', updated_at: at });
  }

  setProcess(serviceId: string, releaseId: string, processId: number | null): Promise<void> {
    return this.changeServing(serviceId, releaseId, { process_id: processId });
  }

  setProblem(serviceId: string, releaseId: string, problem: Reason | null): Promise<void> {
    return this.changeServing(serviceId, releaseId, { problem });
  }

  private async changeServing(
    _id: string,
    release_id: string,
    change: Partial<Service>,
  ): Promise<void> {
    await databaseRetry(
      () => this.serviceRecords.updateOne({ _id, release_id }, { $set: change }),
      RETRY,
    );
  }

  async nextRelease(serviceId: string): Promise<number> {
    const counted = await this.serviceRecords
      .findOneAndUpdate({ _id: serviceId }, { $inc: { releases: 1 } }, { returnDocument: 'after' })
      .lean<Service | null>();
    if (!counted) throw new Error(`there is no service ${serviceId}`);
    return counted.releases;
  }

  async neededTexts(): Promise<ReadonlySet<string>> {
    // Deployments first: what becomes a release meanwhile is one then.
    const asked = await this.deployments.find(open, { settings: 1 }).lean<Deployment[]>();
    const there = { status: { $nin: [...GONE] } };
    const kept = await this.releases.find(there, { settings: 1 }).lean<Release[]>();
    return new Set([...asked, ...kept].flatMap(({ settings }) => sealedTextsOf(settings)));
  }

  async insertRelease(release: Release): Promise<void> {
    await databaseRetry(async () => {
      try {
        await this.releases.insertOne(release);
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
    }, RETRY);
  }

  async release(id: string): Promise<Release | undefined> {
    return found(await this.releases.findById(id).lean<Release | null>());
  }

  async releasesWith(ids: readonly string[]): Promise<ReadonlyMap<string, Release>> {
    if (ids.length === 0) return new Map();
    const some = await this.releases.find({ _id: { $in: [...ids] } }).lean<Release[]>();
    return new Map(some.map((one) => [one._id, one]));
  }

  async releasesOf(serviceId: string): Promise<readonly Release[]> {
    return this.releases.find({ service_id: serviceId }).sort({ number: -1 }).lean<Release[]>();
  }

  async changeRelease(id: string, change: ReleaseChange): Promise<void> {
    await databaseRetry(() => this.releases.updateOne({ _id: id }, { $set: change }), RETRY);
  }

  async endDrain(id: string): Promise<void> {
    const change = { status: 'kept', drain_until: null } as const;
    const draining = { _id: id, status: 'draining' } as const;
    await databaseRetry(() => this.releases.updateOne(draining, { $set: change }), RETRY);
  }

  private async changeHeld(
    held: Pick<Service, '_id' | 'active'> & Partial<Pick<Service, 'release_id'>>,
    change: Partial<Service>,
  ): Promise<boolean> {
    const { matchedCount } = await databaseRetry(
      () => this.serviceRecords.updateOne(held, { $set: change }),
      RETRY,
    );
    return matchedCount === 1;
  }

  private async withKey(key: string): Promise<Deployment | undefined> {
    return found(await this.deployments.findOne({ request_key: key }).lean<Deployment | null>());
  }

  /** A number that is taken and not used is a gap in the line, which nobody waits for. */
  private async nextTurn(service: NewService): Promise<number> {
    const { _id } = service;
    await this.makeService(service);
    const counted = await this.serviceRecords
      .findOneAndUpdate({ _id }, { $inc: { turns: 1 } }, { returnDocument: 'after' })
      .lean<Service | null>();
    if (!counted) throw new Error(`the service ${_id} was removed`);
    return counted.turns;
  }

  private async makeService(service: NewService): Promise<void> {
    if (await this.service(service._id)) return;
    try {
      await this.serviceRecords.insertOne({ ...service, turns: 0, releases: 0, active: null });
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      if (await this.service(service._id)) return;
      throw await this.placeTaken(service.place);
    }
  }

  private async placeTaken(place: string): Promise<PlaceTakenError> {
    const holder = await this.serviceRecords.findOne({ place }).lean<Service | null>();
    return new PlaceTakenError(holder?._id ?? 'another service');
  }
}

function found<T>(document: T | null): T | undefined {
  return document ?? undefined;
}
