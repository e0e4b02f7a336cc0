import type { ConfigProblem } from './config-problem.js';
import type { ConfigValues } from './config-variables.js';

/** What OBJECT_STORE=s3 needs and is not there. */
export function objectStoreProblems(
  values: Pick<ConfigValues, 'objectStore' | 's3Bucket' | 's3AccessKeyId' | 's3SecretAccessKey'>,
): ConfigProblem[] {
  if (values.objectStore !== 's3') return [];
  const needed = [
    ['S3_BUCKET', values.s3Bucket],
    ['S3_ACCESS_KEY_ID', values.s3AccessKeyId],
    ['S3_SECRET_ACCESS_KEY', values.s3SecretAccessKey],
  ] as const;
  return needed
    .filter(([, value]) => value === undefined)
    .map(([name]) => ({ name, message: 'must be set with OBJECT_STORE=s3' }));
}
