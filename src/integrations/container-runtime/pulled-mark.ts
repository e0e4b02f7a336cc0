import { createHash } from 'node:crypto';

const MINUTE_MS = 60_000;
const INSTALLATION_LENGTH = 8;
const REFERENCE_LENGTH = 20;
const MARK = /^([0-9a-f]{8})\.([0-9a-f]{20})\.([0-9a-f]{64})\.([0-9a-z]+)$/;

/** That an installation used an image under a name, and that Millrace had fetched the image. */
export interface PulledMark {
  /** Hash of its name. */
  readonly installation: string;
  /** Hash of the image's name. */
  readonly reference: string;
  /** `sha256:…` */
  readonly imageId: string;
  /** ms, as `Date.now()`; a mark knows the minute. */
  readonly usedAt: number;
}

export function newMark(
  installation: string,
  reference: string,
  imageId: string,
  usedAt: number,
): PulledMark {
  return {
    installation: hash(installation, INSTALLATION_LENGTH),
    reference: referenceHash(reference),
    imageId: wholeId(imageId),
    usedAt: Math.floor(usedAt / MINUTE_MS) * MINUTE_MS,
  };
}

/** As the tag of an image, which has at most 128 characters. */
export function formatMark({ installation, reference, imageId, usedAt }: PulledMark): string {
  const id = imageId.replace('sha256:', '');
  return `${installation}.${reference}.${id}.${(usedAt / MINUTE_MS).toString(36)}`;
}

/** Undefined: it is none. */
export function parseMark(tag: string): PulledMark | undefined {
  const [, installation = '', reference = '', id = '', minutes = ''] = MARK.exec(tag) ?? [];
  if (id === '') return undefined;
  const usedAt = parseInt(minutes, 36) * MINUTE_MS;
  return { installation, reference, imageId: `sha256:${id}`, usedAt };
}

/** Of a name as people write it or as an engine does. */
export function referenceHash(reference: string): string {
  return hash(reference.replace(/^docker\.io\/(library\/)?/, ''), REFERENCE_LENGTH);
}

/** Some engines leave the algorithm out. */
export function wholeId(imageId: string): string {
  return imageId.startsWith('sha256:') ? imageId : `sha256:${imageId}`;
}

function hash(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length);
}
