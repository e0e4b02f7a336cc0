import { S3Client } from '@aws-sdk/client-s3';
import type { S3Settings } from '../s3-settings.js';

const CONNECT_MS = 10_000;
/** From the first byte of a request to the first one of its answer; one part is 8 MiB. */
const ANSWER_MS = 120_000;
/** Slow readers hold a connection each, and must not hold up the others. */
const CONNECTIONS = 1_000;

/** A client that knows nothing but the settings: no file, metadata service or `AWS_…` variable. */
export function createS3Client(settings: S3Settings): S3Client {
  const { endpoint, region, accessKeyId, secretAccessKey, pathStyle, checksums } = settings;
  return new S3Client({
    region,
    // Without one the SDK would look for it in the environment and in the files of its own.
    endpoint: endpoint ?? `https://s3.${region}.${domainOf(region)}`,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: pathStyle,
    requestChecksumCalculation: checksums,
    responseChecksumValidation: checksums,
    maxAttempts: 3,
    retryMode: 'standard',
    defaultsMode: 'standard',
    useDualstackEndpoint: false,
    useFipsEndpoint: false,
    useArnRegion: false,
    disableS3ExpressSessionAuth: true,
    userAgentAppId: 'millrace',
    // A part is small, and not every server knows the word.
    expectContinueHeader: false,
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      requestTimeout: ANSWER_MS,
      throwOnRequestTimeout: true,
      // Bodies have a clock of their own, which stops while the reader is slow (BlobBody).
      socketTimeout: 0,
      httpAgent: { keepAlive: true, maxSockets: CONNECTIONS },
      httpsAgent: { keepAlive: true, maxSockets: CONNECTIONS },
    },
  });
}

/** Of AWS. */
function domainOf(region: string): string {
  return region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
}
