import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { ObjectStoreError } from '../object-store.js';
import { type Part, partsOf } from './parts.js';
import { onS3 } from './s3-failure.js';

/** All parts but the last have one size: some servers ask for that. */
const PART_BYTES = 8 * 1024 * 1024;
const MAX_PARTS = 10_000;

/** Where something is uploaded to. */
export interface UploadTarget {
  readonly Bucket: string;
  readonly Key: string;
}

/**
 * Uploads a stream: by one request where it fits in a part, else by parts, one after the other, at
 * most 10,000 (78 GiB). It is visible when the last request has succeeded. Two parts are in memory.
 */
export class S3Upload {
  private uploadId: string | undefined;
  private readonly sent: CompletedPart[] = [];
  /** The part that is under way. */
  private sending: Promise<void> = Promise.resolve();

  /** @param onLeftOver is told why a failed upload could not be aborted */
  constructor(
    private readonly client: S3Client,
    private readonly target: UploadTarget,
    private readonly signal: AbortSignal | undefined,
    private readonly onLeftOver: (error: unknown) => void,
  ) {}

  /** Rejects with an `ObjectStoreError`, or with what `bytes` fails with. */
  async run(bytes: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const part of partsOf(bytes, PART_BYTES)) {
        if (part.isLast && this.uploadId === undefined) await this.putWhole(part.bytes);
        else await this.takePart(part);
      }
      await this.complete();
    } catch (error) {
      await this.abort();
      throw error;
    }
  }

  private async putWhole(bytes: Buffer): Promise<void> {
    const command = new PutObjectCommand({ ...this.target, Body: bytes });
    await onS3(() => this.client.send(command, this.options));
  }

  /** Begins to send it, when the one before it has been sent. */
  private async takePart(part: Part): Promise<void> {
    await this.sending;
    if (part.number > MAX_PARTS) {
      throw new ObjectStoreError('too_large', 'an object can have 78 GiB at most');
    }
    const uploadId = (this.uploadId ??= await this.create());
    this.sending = this.sendPart(uploadId, part);
    // Its failure is heard with the next part, or at the end.
    this.sending.catch(() => undefined);
  }

  private async create(): Promise<string> {
    const command = new CreateMultipartUploadCommand(this.target);
    // Without the signal: an upload whose id nobody has heard cannot be aborted.
    const { UploadId } = await onS3(() => this.client.send(command));
    if (UploadId === undefined) throw new ObjectStoreError('failed', 'an upload has no id');
    return UploadId;
  }

  private async sendPart(UploadId: string, { bytes, number }: Part): Promise<void> {
    const PartNumber = number;
    const command = new UploadPartCommand({ ...this.target, UploadId, PartNumber, Body: bytes });
    const { ETag } = await onS3(() => this.client.send(command, this.options));
    this.sent.push({ PartNumber, ETag });
  }

  private async complete(): Promise<void> {
    await this.sending;
    const UploadId = this.uploadId;
    if (UploadId === undefined) return;
    const MultipartUpload = { Parts: this.sent };
    const command = new CompleteMultipartUploadCommand({
      ...this.target,
      ...{ UploadId, MultipartUpload },
    });
    await onS3(() => this.client.send(command, this.options));
  }

  private async abort(): Promise<void> {
    // A part that arrives after the abort would stay.
    await Promise.allSettled([this.sending]);
    const UploadId = this.uploadId;
    if (UploadId === undefined) return;
    try {
      await this.client.send(new AbortMultipartUploadCommand({ ...this.target, UploadId }));
    } catch (error) {
      this.onLeftOver(error);
    }
  }

  private get options(): { readonly abortSignal?: AbortSignal } {
    return this.signal ? { abortSignal: this.signal } : {};
  }
}
