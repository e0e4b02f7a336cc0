import { testServices } from '../../../test/support/services.js';
import { RedisConnections } from '../redis/redis-connections.js';
import { describeEventBus } from './event-bus.contract.spec.js';
import { RedisEventBus } from './redis-event-bus.js';

const { redisUrl, keyPrefix } = testServices();
const redis = new RedisConnections({ url: redisUrl, keyPrefix });
const bus = new RedisEventBus(redis);

beforeAll(async () => {
  const commands = redis.commands();
  await new Promise((resolve) => commands.once('ready', resolve));
});
afterAll(() => {
  bus.close();
  redis.close();
});

describeEventBus('RedisEventBus', () => bus);
