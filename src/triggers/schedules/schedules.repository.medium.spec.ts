import mongoose from 'mongoose';
import { testServices } from '../../../test/support/services.js';
import { describeScheduleStore } from './schedule-store.contract.spec.js';
import { SCHEDULE_MODEL, scheduleSchema, TICK_MODEL, tickSchema } from './schedule.schema.js';
import type { ScheduleDocument, TickDocument } from './schedule.schema.js';
import { SchedulesRepository } from './schedules.repository.js';

const { mongodbUri, databaseName } = testServices();
const connection = mongoose.createConnection(mongodbUri, {
  dbName: databaseName,
  retryWrites: false,
});
const repository = new SchedulesRepository(
  connection.model<ScheduleDocument>(SCHEDULE_MODEL, scheduleSchema),
  connection.model<TickDocument>(TICK_MODEL, tickSchema),
);

beforeAll(async () => {
  await connection.asPromise();
});
afterAll(async () => {
  await connection.dropDatabase();
  await connection.close();
});

describeScheduleStore('SchedulesRepository', () => repository);
