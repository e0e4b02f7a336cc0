import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { createS3Client } from './s3-client.js';
import type { S3Settings } from '../s3-settings.js';

const SETTINGS: S3Settings = {
  ...{ region: 'eu-central-1', bucket: 'artifacts', prefix: '' },
  ...{ accessKeyId: 'an-id', secretAccessKey: 'a-secret' },
  ...{ pathStyle: false, checksums: 'WHEN_REQUIRED' },
};

/** The URL to which a request for the object `a!` would go. */
async function urlOf(settings: S3Settings): Promise<string> {
  const client = createS3Client(settings);
  let url = '';
  client.middlewareStack.add(
    () => async (args) => {
      const { protocol, hostname, port, path } = args.request as Record<string, string>;
      url = `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}`;
      return { response: {}, output: { $metadata: {} } };
    },
    { step: 'finalizeRequest', priority: 'low' },
  );
  await client.send(new HeadObjectCommand({ Bucket: settings.bucket, Key: 'p/a!' }));
  return url;
}

describe('where objects in S3 are asked for', () => {
  const endpoint = 'http://minio:9000';

  it.each<[string, Partial<S3Settings>, string]>([
    ['AWS', {}, 'https://artifacts.s3.eu-central-1.amazonaws.com/p/a%21'],
    [
      'AWS in China',
      { region: 'cn-north-1' },
      'https://artifacts.s3.cn-north-1.amazonaws.com.cn/p/a%21',
    ],
    ['AWS by paths', { pathStyle: true }, 'https://s3.eu-central-1.amazonaws.com/artifacts/p/a%21'],
    ['a server of your own', { endpoint, pathStyle: true }, `${endpoint}/artifacts/p/a%21`],
    ['that by host names', { endpoint }, 'http://artifacts.minio:9000/p/a%21'],
    [
      'a server below a path',
      { endpoint: `${endpoint}/s3`, pathStyle: true },
      `${endpoint}/s3/artifacts/p/a%21`,
    ],
  ])('%s', async (_what, change, url) => {
    expect(await urlOf({ ...SETTINGS, ...change })).toBe(url);
  });
});
