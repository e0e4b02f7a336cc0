import type { ConfigValues } from '../../config/config-variables.js';

/** Where the objects lie, and who reads them: the `S3_…` variables of the configuration. */
export interface S3Settings {
  /** http(s) URL; absent: that of AWS in the region. */
  readonly endpoint?: string | undefined;
  readonly region: string;
  readonly bucket: string;
  /** In front of the path of each object, with a `/` between; empty: nothing. */
  readonly prefix: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** The bucket in the path of the URL, not in its host name. */
  readonly pathStyle: boolean;
  /**
   * When requests and answers carry checksums of the newer kind. Many servers refuse those that the
   * SDK would send by itself.
   */
  readonly checksums: 'WHEN_REQUIRED' | 'WHEN_SUPPORTED';
}

/** From a configuration with `OBJECT_STORE=s3`, whose validation has seen that all is there. */
export function s3Settings(config: ConfigValues): S3Settings {
  const { s3Endpoint, s3Bucket, s3AccessKeyId, s3SecretAccessKey } = config;
  if (s3Bucket === undefined || s3AccessKeyId === undefined || s3SecretAccessKey === undefined) {
    throw new Error('OBJECT_STORE=s3 without bucket and keys: the configuration is not valid');
  }
  return {
    endpoint: s3Endpoint,
    region: config.s3Region,
    bucket: s3Bucket,
    prefix: config.s3Prefix,
    accessKeyId: s3AccessKeyId,
    secretAccessKey: s3SecretAccessKey,
    pathStyle: config.s3PathStyle ?? s3Endpoint !== undefined,
    checksums: config.s3Checksums,
  };
}
