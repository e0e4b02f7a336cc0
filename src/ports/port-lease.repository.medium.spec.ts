import { testServices } from '../../test/support/services.js';
import { DatabaseConnection } from '../integrations/database/database-connection.js';
import { PortLeaseRepository } from './port-lease.repository.js';
import { PORT_LEASE_MODEL, type PortLeaseDocument, portLeaseSchema } from './port-lease.schema.js';
import { describePortLeaseStore } from './port-lease-store.contract.spec.js';

const { mongodbUri, databaseName } = testServices();
const database = new DatabaseConnection({ uri: mongodbUri, databaseName, poolSize: 10 });
const model = database.connection.model<PortLeaseDocument>(PORT_LEASE_MODEL, portLeaseSchema);

beforeAll(() => database.open());
afterAll(() => database.close());

describePortLeaseStore('PortLeaseRepository', async () => {
  await model.deleteMany({}).exec();
  return new PortLeaseRepository(model);
});
