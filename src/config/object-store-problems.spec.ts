import { describeConfig } from './describe-config.js';
import { parseConfig } from './load-config.js';
import type { MillraceConfig } from './millrace-config.js';

const GOOD = {
  OBJECT_STORE: 's3',
  S3_BUCKET: 'artifacts',
  S3_ACCESS_KEY_ID: 'an-id',
  S3_SECRET_ACCESS_KEY: 'a+secret/key=',
};

function problems(environment: Readonly<Record<string, string>>): string[] {
  const parsed = parseConfig(environment);
  return parsed.kind === 'invalid' ? parsed.problems.map(({ name }) => name) : [];
}

function values(environment: Readonly<Record<string, string>>): MillraceConfig {
  const parsed = parseConfig(environment);
  if (parsed.kind === 'invalid') throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

describe('the configuration of the object store', () => {
  it('is the disk where nothing is set, whatever is set for S3', () => {
    expect(values({}).objectStore).toBe('disk');
    expect(problems({ S3_BUCKET: 'artifacts' })).toEqual([]);
  });

  it('is S3 with a bucket and keys, and the checksums that every server takes', () => {
    expect(values(GOOD)).toMatchObject({
      ...{ objectStore: 's3', s3Endpoint: undefined, s3Region: 'us-east-1', s3Prefix: '' },
      ...{ s3PathStyle: undefined, s3Checksums: 'WHEN_REQUIRED' },
    });
    const more = {
      S3_CHECKSUMS: 'when_supported',
      S3_PREFIX: 'ci/millrace',
      S3_PATH_STYLE: 'true',
    };
    expect(values({ ...GOOD, ...more })).toMatchObject({
      ...{ s3Checksums: 'WHEN_SUPPORTED', s3Prefix: 'ci/millrace', s3PathStyle: true },
    });
  });

  it.each(['S3_BUCKET', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'])('needs %s', (name) => {
    expect(problems({ ...GOOD, [name]: '' })).toEqual([name]);
  });

  it.each([
    ['OBJECT_STORE', 'gcs'],
    ['S3_ENDPOINT', 'minio:9000'],
    ['S3_ENDPOINT', 'http://user:password@minio:9000'],
    ['S3_REGION', 'eu west'],
    ['S3_BUCKET', 'Bucket/x'],
    ['S3_BUCKET', '..'],
    ['S3_PREFIX', '/ci'],
    ['S3_PREFIX', 'ci/'],
    ['S3_PREFIX', 'ci/../x'],
    ['S3_ACCESS_KEY_ID', 'an id'],
    ['S3_SECRET_ACCESS_KEY', 'a secret'],
    ['S3_CHECKSUMS', 'never'],
  ])('refuses %s=%s', (name, value) => {
    expect(problems({ ...GOOD, [name]: value })).toEqual([name]);
  });

  it('shows no secret', () => {
    const shown = JSON.stringify(describeConfig(values(GOOD), GOOD));
    expect(shown).toContain(GOOD.S3_BUCKET);
    expect(shown).not.toContain(GOOD.S3_SECRET_ACCESS_KEY);
  });
});
