import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../config/paths.js';
import { DETECTION_PROBLEMS, problemError } from './detection-problem.js';

interface Document {
  readonly paths: Readonly<Record<string, { readonly post: { readonly responses: object } }>>;
}

const { paths } = JSON.parse(readFileSync(join(packageRoot(), 'openapi.json'), 'utf8')) as Document;
const documented = Object.keys(paths['/api/detect']?.post.responses ?? {});

it.each(DETECTION_PROBLEMS)('%s is an error that its route documents, with advice', (code) => {
  const error = problemError({ code, message: 'It is so.' });
  expect(error).toMatchObject({ message: 'It is so.', details: { code } });
  expect(error.suggestions).toHaveLength(1);
  expect(documented).toContain(String(error.status));
});
