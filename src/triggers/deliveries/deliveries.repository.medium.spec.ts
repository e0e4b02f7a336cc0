import mongoose from 'mongoose';
import { testServices } from '../../../test/support/services.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import { DeliveriesRepository } from './deliveries.repository.js';
import {
  DELIVERY_BODY_MODEL,
  DELIVERY_KEY_MODEL,
  DELIVERY_MODEL,
  type DeliveryBodyDocument,
  deliveryBodySchema,
  type DeliveryDocument,
  type DeliveryKeyDocument,
  deliveryKeySchema,
  deliverySchema,
} from './delivery.schema.js';

const { mongodbUri, databaseName } = testServices();
const connection = mongoose.createConnection(mongodbUri, {
  dbName: databaseName,
  retryWrites: false,
});
const bodies = connection.model<DeliveryBodyDocument>(DELIVERY_BODY_MODEL, deliveryBodySchema);
const deliveries = new DeliveriesRepository(
  connection.model<DeliveryDocument>(DELIVERY_MODEL, deliverySchema),
  bodies,
  connection.model<DeliveryKeyDocument>(DELIVERY_KEY_MODEL, deliveryKeySchema),
);

beforeAll(async () => {
  await connection.asPromise();
});
afterEach(() => deliveries.removeBefore(new Date(Date.now() + 60_000)));
afterAll(async () => {
  await connection.dropDatabase();
  await connection.close();
});

/** @returns its id */
async function store(bytes: number, receivedAt = new Date()): Promise<string> {
  const id = uuidV7();
  await deliveries.insert(
    {
      _id: id,
      repository_id: 'r',
      forge: 'github',
      forge_delivery_id: null,
      event: 'push',
      headers: '{}',
      size: bytes,
      received_at: receivedAt,
      status: 'done',
      reason: null,
      duplicate_of: null,
      decisions: null,
      decided_at: null,
      problem: null,
    },
    Buffer.alloc(bytes, 'x'),
  );
  return id;
}

async function keptOf(ids: readonly string[]): Promise<(number | undefined)[]> {
  const found = await Promise.all(ids.map((id) => deliveries.body(id)));
  return found.map((body) => body?.length);
}

describe('the bodies of deliveries', () => {
  it('are kept in parts', async () => {
    const large = 9 * 1024 * 1024;
    const id = await store(large);
    expect(await bodies.countDocuments({ delivery_id: id })).toBe(2);
    expect(await keptOf([id])).toEqual([large]);
  });

  it('are dropped where they take too much room, the oldest first; the deliveries stay', async () => {
    const ids = [await store(400), await store(300), await store(200), await store(100)];
    expect(await deliveries.dropBodies(1_000)).toBe(0);
    expect(await deliveries.dropBodies(599)).toBe(2);
    expect(await keptOf(ids)).toEqual([undefined, undefined, 200, 100]);
    expect(await deliveries.dropBodies(599)).toBe(0);
    // What is dropped takes no room any more.
    ids.push(await store(250));
    expect(await deliveries.dropBodies(599)).toBe(0);
    expect(await bodies.countDocuments({})).toBe(3);
    for (const id of ids) expect(await deliveries.find(id)).toBeDefined();
  });

  it('are dropped whole', async () => {
    const [large, small] = [await store(9 * 1024 * 1024), await store(10)];
    expect(await deliveries.dropBodies(1_000)).toBe(1);
    expect(await bodies.countDocuments({ delivery_id: large })).toBe(0);
    expect(await keptOf([small])).toEqual([10]);
  });

  it('are removed with their deliveries at their age', async () => {
    const [old, fresh] = [await store(10, new Date(Date.now() - 2_000)), await store(10)];
    await deliveries.removeBefore(new Date(Date.now() - 1_000));
    expect(await deliveries.find(old)).toBeUndefined();
    expect(await keptOf([old, fresh])).toEqual([undefined, 10]);
  });
});
