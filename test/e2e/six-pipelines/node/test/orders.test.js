import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from 'small-postgres';
import { Orders } from '../src/orders.js';

let client;
let orders;

before(async () => {
  const { PGHOST: host, PGPASSWORD: password } = process.env;
  client = await Client.connect({ host, password });
  orders = new Orders(client);
  await orders.create();
});
after(() => client?.close());

test('talks to a real database', async (t) => {
  const [[version]] = await client.query('SELECT version()');
  assert.match(version, /^PostgreSQL \d+/);
  t.diagnostic(version);
});

test('numbers orders and counts their pieces', async () => {
  assert.deepEqual([await orders.add(3), await orders.add(4)], [1, 2]);
  assert.equal(await orders.pieces(), 7);
});

test('takes no order without pieces', async () => {
  await assert.rejects(orders.add(NaN), /column "nan" does not exist/);
});
