import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

it('every reason of an environment is explained in docs/reasons.md', () => {
  const docs = readFileSync(join(__dirname, '../../docs/reasons.md'), 'utf8');
  const files = globSync('*.ts', { cwd: __dirname }).filter((name) => !name.endsWith('.spec.ts'));
  const sources = files.map((name) => readFileSync(join(__dirname, name), 'utf8'));
  const codes = sources.flatMap((text) =>
    [...text.matchAll(/\bcode: '([a-z_]+)',\n/g)].map(([, code]) => code ?? ''),
  );
  expect(codes.length).toBeGreaterThan(5);
  expect(codes.filter((code) => !docs.includes(`\`${code}\``))).toEqual([]);
});
