import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROBE_FAILURES } from './service-check.js';
import { SERVICE_REASONS } from './service-status.js';

it('every reason of a service and of its endpoints is explained in docs/reasons.md', () => {
  const docs = readFileSync(join(__dirname, '../../../docs/reasons.md'), 'utf8');
  const part = /## Services\n([\s\S]*?)\n## /.exec(docs)?.[1] ?? '';
  const codes = [...Object.keys(SERVICE_REASONS), ...Object.keys(PROBE_FAILURES), 'no_endpoints'];
  const told = [...part.matchAll(/^\| `([a-z_]+)`/gm)].map(([, code]) => code);
  expect(told.sort()).toEqual(codes.sort());
});
