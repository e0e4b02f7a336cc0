import { testKeyring } from '../../secrets/encryption/keyring.fixture.js';
import { testServices } from '../../../test/support/services.js';
import { DatabaseConnection } from '../../integrations/database/database-connection.js';
import { ExecutionRecord, ExecutionSchema } from './execution.schema.js';
import { describeExecutionsRepository } from './executions.repository.contract.spec.js';
import { ExecutionsRepository } from './executions.repository.js';

const { mongodbUri, databaseName } = testServices();
const database = new DatabaseConnection({ uri: mongodbUri, databaseName, poolSize: 20 });
const executions = new ExecutionsRepository(
  database.connection.model(ExecutionRecord.name, ExecutionSchema),
  testKeyring(),
);

beforeAll(() => database.open());
afterAll(() => database.close());

describeExecutionsRepository('the database', () => executions);
