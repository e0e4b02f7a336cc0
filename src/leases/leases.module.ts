import { Module } from '@nestjs/common';
import { getModelToken, MongooseModule } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { LeaseStore } from './lease-store.js';
import { LeaseRepository } from './lease.repository.js';
import { LeaseRecord, LeaseSchema } from './lease.schema.js';
import { Leases } from './leases.js';

/** What one process of the installation at a time does. */
@Module({
  imports: [MongooseModule.forFeature([{ name: LeaseRecord.name, schema: LeaseSchema }])],
  providers: [
    {
      provide: LeaseStore,
      inject: [getModelToken(LeaseRecord.name)],
      useFactory: (model: Model<LeaseRecord>) => new LeaseRepository(model),
    },
    Leases,
  ],
  exports: [Leases],
})
export class LeasesModule {}
