import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SSH_ERROR_CODES } from './ssh-client.js';

it('every error of SSH is explained in docs/reasons.md', () => {
  const docs = readFileSync(join(__dirname, '../../../docs/reasons.md'), 'utf8');
  expect(SSH_ERROR_CODES.filter((code) => !docs.includes(`\`${code}\``))).toEqual([]);
});
