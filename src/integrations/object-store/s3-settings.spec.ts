import { parseConfig } from '../../config/load-config.js';
import { type S3Settings, s3Settings } from './s3-settings.js';

const KEYS = {
  S3_BUCKET: 'artifacts',
  S3_ACCESS_KEY_ID: 'an-id',
  S3_SECRET_ACCESS_KEY: 'a-secret',
};

function settings(environment: Readonly<Record<string, string>>): S3Settings {
  const parsed = parseConfig({ OBJECT_STORE: 's3', ...KEYS, ...environment });
  if (parsed.kind === 'invalid') throw new Error(JSON.stringify(parsed.problems));
  return s3Settings(parsed.config);
}

describe('the settings of S3', () => {
  it('are those of AWS where no endpoint is set', () => {
    expect(settings({ S3_REGION: 'eu-central-1' })).toEqual({
      ...{ endpoint: undefined, region: 'eu-central-1', bucket: 'artifacts', prefix: '' },
      ...{ accessKeyId: 'an-id', secretAccessKey: 'a-secret' },
      ...{ pathStyle: false, checksums: 'WHEN_REQUIRED' },
    });
  });

  it('have the bucket in the path for a server of your own', () => {
    const endpoint = 'http://minio:9000';
    expect(settings({ S3_ENDPOINT: `${endpoint}/`, S3_PREFIX: 'ci' })).toMatchObject({
      ...{ endpoint, pathStyle: true, prefix: 'ci' },
    });
    expect(settings({ S3_ENDPOINT: endpoint, S3_PATH_STYLE: 'false' }).pathStyle).toBe(false);
    expect(settings({ S3_PATH_STYLE: 'true' }).pathStyle).toBe(true);
  });
});
