import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DELIVERY_REASONS } from './alert-channels.js';

it('every reason of a delivery is explained in docs/reasons.md', () => {
  const docs = readFileSync(join(__dirname, '../../../docs/reasons.md'), 'utf8');
  const part = /## Alerts\n([\s\S]*?)\n## /.exec(docs)?.[1] ?? '';
  const told = [...part.matchAll(/^\| `([a-z_]+)` +\| delivery/gm)].map(([, code]) => code);
  expect(told.sort()).toEqual(Object.keys(DELIVERY_REASONS).sort());
});
