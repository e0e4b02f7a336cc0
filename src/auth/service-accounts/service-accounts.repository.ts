import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { pageOf, type Page, type PageRequest } from '../../common/http/paging.js';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import { SERVICE_ACCOUNT_MODEL, type ServiceAccountDocument } from './service-account.schema.js';

/** A request waits for the database no longer than this, ms. */
const RETRY = { deadlineMs: 5000 } as const;

/** The collection `service_accounts`. */
@Injectable()
export class ServiceAccountsRepository {
  constructor(
    @InjectModel(SERVICE_ACCOUNT_MODEL) private readonly accounts: Model<ServiceAccountDocument>,
  ) {}

  /** False: another account has the name. */
  async insert(account: ServiceAccountDocument): Promise<boolean> {
    return databaseRetry(async () => {
      try {
        await this.accounts.insertOne(account);
        return true;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        // An earlier try of this very call may have done it.
        return (await this.accounts.findById(account._id).lean().exec()) !== null;
      }
    }, RETRY);
  }

  async find(id: string): Promise<ServiceAccountDocument | undefined> {
    return databaseRetry(
      async () =>
        (await this.accounts.findById(id).lean<ServiceAccountDocument>().exec()) ?? undefined,
      RETRY,
    );
  }

  /** False: there was none. */
  async remove(id: string): Promise<boolean> {
    const { deletedCount } = await databaseRetry(
      () => this.accounts.deleteOne({ _id: id }).exec(),
      RETRY,
    );
    return deletedCount === 1;
  }

  /** In the order in which they were made. */
  async list(page: PageRequest): Promise<Page<ServiceAccountDocument>> {
    const rows = await databaseRetry(
      () =>
        this.accounts
          .find(page.after === undefined ? {} : { _id: { $gt: page.after } })
          .sort({ _id: 1 })
          .limit(page.limit + 1)
          .lean<ServiceAccountDocument[]>()
          .exec(),
      RETRY,
    );
    return pageOf(rows, page.limit, (row) => row._id);
  }
}
