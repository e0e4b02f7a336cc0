import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { Logger } from '@nestjs/common';
import type { Readable } from 'node:stream';
import { BlobBody } from '../blob-body.js';
import { type BlobStorage, PAGE_SIZE } from '../blob-storage.js';
import { type ByteRange, ObjectStoreError } from '../object-store.js';
import { onS3, s3Failure } from './s3-failure.js';
import type { S3Settings } from '../s3-settings.js';
import { S3Upload, type UploadTarget } from './s3-upload.js';

/** Of a server that stops in the middle of a body. */
const PATIENCE_MS = 60_000;

/** Objects of a bucket below a prefix. */
export class S3Blobs implements BlobStorage {
  private readonly logger = new Logger(S3Blobs.name);
  private readonly bucket: string;
  /** Empty, or with a `/` at its end. */
  private readonly prefix: string;

  constructor(
    private readonly client: S3Client,
    { bucket, prefix }: Pick<S3Settings, 'bucket' | 'prefix'>,
  ) {
    this.bucket = bucket;
    this.prefix = prefix === '' ? '' : `${prefix}/`;
  }

  async write(path: string, bytes: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void> {
    const upload = new S3Upload(this.client, this.target(path), signal, (error) =>
      this.logger.warn({ err: s3Failure(error) }, 'an unfinished upload is aborted later'),
    );
    await upload.run(bytes);
  }

  async read(
    path: string,
    range?: ByteRange,
    signal?: AbortSignal,
  ): Promise<{ readonly size: number; readonly body: Readable }> {
    const Range = range && `bytes=${String(range.offset)}-${lastByte(range)}`;
    const command = new GetObjectCommand({ ...this.target(path), Range });
    const answer = await onS3(() => this.client.send(command, within(signal)));
    const source = answer.Body as Readable | undefined;
    const sizes = sizesOf(answer, range !== undefined);
    if (source === undefined || sizes === undefined) {
      source?.destroy();
      throw new ObjectStoreError('failed', 'the object store gave no body, or not the range of it');
    }
    const { size, length } = sizes;
    const options = { length, toError: s3Failure, signal, patienceMs: PATIENCE_MS };
    return { size, body: new BlobBody(source, options) };
  }

  async remove(path: string, signal?: AbortSignal): Promise<void> {
    const command = new DeleteObjectCommand(this.target(path));
    await ifThere(() => this.client.send(command, within(signal)));
  }

  async *list(folder: string, signal?: AbortSignal): AsyncGenerator<readonly string[], void, void> {
    const Prefix = this.prefix + folder;
    let ContinuationToken: string | undefined;
    do {
      const command = new ListObjectsV2Command({
        ...{ Bucket: this.bucket, Prefix, ContinuationToken, MaxKeys: PAGE_SIZE },
      });
      const page: ListObjectsV2CommandOutput = await onS3(() =>
        this.client.send(command, within(signal)),
      );
      yield (page.Contents ?? []).map(({ Key = '' }) => Key.slice(this.prefix.length));
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
  }

  async writtenAt(path: string, signal?: AbortSignal): Promise<Date | undefined> {
    const command = new HeadObjectCommand(this.target(path));
    return (await ifThere(() => this.client.send(command, within(signal))))?.LastModified;
  }

  async abortWrites(date: Date, signal?: AbortSignal): Promise<number> {
    let aborted = 0;
    for await (const { Key, UploadId, Initiated } of this.uploads(signal)) {
      if (Initiated === undefined || Initiated >= date) continue;
      const command = new AbortMultipartUploadCommand({ Bucket: this.bucket, Key, UploadId });
      if (await ifThere(() => this.client.send(command, within(signal)))) aborted += 1;
    }
    return aborted;
  }

  /** The uploads below the prefix, no other ones. */
  private async *uploads(
    signal: AbortSignal | undefined,
  ): AsyncGenerator<NonNullable<ListMultipartUploadsCommandOutput['Uploads']>[number], void, void> {
    let KeyMarker: string | undefined;
    let UploadIdMarker: string | undefined;
    for (;;) {
      const command = new ListMultipartUploadsCommand({
        ...{ Bucket: this.bucket, Prefix: this.prefix, KeyMarker, UploadIdMarker },
      });
      const page: ListMultipartUploadsCommandOutput = await onS3(() =>
        this.client.send(command, within(signal)),
      );
      for (const upload of page.Uploads ?? []) {
        if (upload.Key?.startsWith(this.prefix) === true) yield upload;
      }
      if (page.IsTruncated !== true) return;
      KeyMarker = page.NextKeyMarker;
      UploadIdMarker = page.NextUploadIdMarker;
    }
  }

  private target(path: string): UploadTarget {
    return { Bucket: this.bucket, Key: this.prefix + path };
  }
}

/** Undefined: it is not there. */
async function ifThere<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await onS3(work);
  } catch (error) {
    if (error instanceof ObjectStoreError && error.code === 'not_found') return undefined;
    throw error;
  }
}

function within(signal: AbortSignal | undefined): { readonly abortSignal?: AbortSignal } {
  return signal ? { abortSignal: signal } : {};
}

/** As HTTP has it: the last byte of the range, or nothing for the end. */
function lastByte({ offset, length }: ByteRange): string {
  return length === undefined ? '' : String(offset + length - 1);
}

/** Bytes of the object and of the answer; undefined: the answer does not say. */
function sizesOf(
  { ContentLength, ContentRange }: GetObjectCommandOutput,
  isRange: boolean,
): { readonly size: number; readonly length: number } | undefined {
  if (ContentLength === undefined) return undefined;
  if (!isRange) return { size: ContentLength, length: ContentLength };
  const size = Number(/^bytes \d+-\d+\/(\d+)$/.exec(ContentRange ?? '')?.[1]);
  return Number.isNaN(size) ? undefined : { size, length: ContentLength };
}
