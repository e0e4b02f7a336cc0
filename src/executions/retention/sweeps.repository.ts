import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { SweepRecord } from './sweep.schema.js';

/**
 * Leases of sweeps. They compare the clocks of different machines, so they keep processes from doing the same at once and no
 * more: what is done under them must be safe to be done twice.
 */
@Injectable()
export class SweepsRepository {
  constructor(@InjectModel(SweepRecord.name) private readonly sweeps: Model<SweepRecord>) {}

  /** Takes the lease for `ms`, or renews it. False: somebody else is at it, or it is not time yet. */
  async take(name: string, holder: string, ms: number): Promise<boolean> {
    const now = Date.now();
    const until = new Date(now + ms);
    const { matchedCount } = await this.sweeps.updateOne(
      { _id: name, $or: [{ holder }, { until: { $lt: new Date(now) } }] },
      { $set: { holder, until } },
    );
    return matchedCount === 1 || this.begin({ _id: name, holder, until });
  }

  /** Gives the lease back; nobody begins within `pauseMs`. */
  async finish(name: string, holder: string, pauseMs: number): Promise<void> {
    const until = new Date(Date.now() + pauseMs);
    await this.sweeps.updateOne({ _id: name, holder }, { $set: { holder: null, until } });
  }

  private async begin(sweep: SweepRecord): Promise<boolean> {
    try {
      await this.sweeps.insertOne(sweep);
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }
}
