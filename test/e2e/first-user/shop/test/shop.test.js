import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { priceOf } from '../prices.js';
import { shop } from '../server.js';

test('knows prices by the rates that are beside it', async () => {
  const rates = `http://${process.env.CI_SIDECAR_RATES_HOST}:${process.env.CI_SIDECAR_RATES_PORT}`;
  assert.equal(await priceOf(1000, 'chf', rates), 950);
  await assert.rejects(priceOf(1000, 'gold', rates), /no rate of gold/);
});

test('has no page that is not there', async (t) => {
  const server = shop().listen(0);
  t.after(() => server.close());
  await once(server, 'listening');
  const { status } = await fetch(`http://127.0.0.1:${server.address().port}/nothing`);
  assert.equal(status, 404);
});
