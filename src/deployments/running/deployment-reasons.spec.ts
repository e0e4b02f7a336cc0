import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

it('every reason of a deployment is explained in docs/reasons.md', () => {
  const docs = readFileSync(join(__dirname, '../../../docs/reasons.md'), 'utf8');
  const files = globSync('**/*.ts', { cwd: join(__dirname, '..') });
  const sources = files
    .filter((name) => !name.endsWith('.spec.ts'))
    .map((name) => readFileSync(join(__dirname, '..', name), 'utf8'));
  const codes = sources.flatMap((text) =>
    [...text.matchAll(/(?:\bcode: |refused\()'([a-z_]+)'/g)].map(([, code]) => code ?? ''),
  );
  expect(codes.length).toBeGreaterThan(15);
  expect(codes.filter((code) => !docs.includes(`\`${code}\``))).toEqual([]);
});
