import { Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { AddressPolicy } from '../common/net/address-policy.js';
import { MillraceConfig } from '../config/millrace-config.js';
import { LeasesModule } from '../leases/leases.module.js';
import { FAILURE_RECORD_MODEL, failureRecordSchema } from './failures/failure-record.schema.js';
import { FailureRecords } from './failures/failure-records.js';
import { FailureRecordsRepository } from './failures/failure-records.repository.js';
import { HEALTH_CHUNK_MODEL, healthChunkSchema } from './history/health-chunk.schema.js';
import { HealthHistory } from './history/health-history.js';
import { HealthHistoryRepository } from './history/health-history.repository.js';
import { HistoryReader } from './history/history-reader.js';
import { ProbeRows } from './history/probe-rows.js';
import { NetworkProber } from './probing/network-prober.js';
import { Prober } from './probing/prober.js';
import { ServiceRemoval } from './service-removal.js';
import { ServiceStore } from './record/service-store.js';
import { ServicesRepository } from './record/services.repository.js';
import {
  SERVICE_CHANGE_MODEL,
  serviceChangeSchema,
  SHARD_WATCH_MODEL,
  shardWatchSchema,
  WATCHED_SERVICE_MODEL,
  watchedServiceSchema,
} from './record/watched-service.schema.js';

/** What is registered, and how it is looked at: for the API and the workers. */
@Module({
  imports: [
    LeasesModule,
    MongooseModule.forFeature([
      { name: WATCHED_SERVICE_MODEL, schema: watchedServiceSchema },
      { name: SERVICE_CHANGE_MODEL, schema: serviceChangeSchema },
      { name: SHARD_WATCH_MODEL, schema: shardWatchSchema },
      { name: HEALTH_CHUNK_MODEL, schema: healthChunkSchema },
      { name: FAILURE_RECORD_MODEL, schema: failureRecordSchema },
    ]),
  ],
  providers: [
    { provide: ServiceStore, useClass: ServicesRepository },
    { provide: HealthHistory, useClass: HealthHistoryRepository },
    { provide: FailureRecords, useClass: FailureRecordsRepository },
    HistoryReader,
    ProbeRows,
    ServiceRemoval,
    {
      provide: Prober,
      inject: [MillraceConfig],
      useFactory: ({ allowPrivateUrls }: MillraceConfig) =>
        new NetworkProber(new AddressPolicy(allowPrivateUrls)),
    },
  ],
  exports: [
    ...[FailureRecords, HealthHistory, HistoryReader, LeasesModule, Prober, ProbeRows],
    ...[ServiceRemoval, ServiceStore],
  ],
})
export class ServiceRegistryModule {}
