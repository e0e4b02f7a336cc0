import type { ImageResult } from './container-runtime.js';

export function otherPlatform(
  reference: string,
  platform: string,
  wanted: string | undefined,
  engine: string,
): ImageResult {
  const other = wanted === undefined ? `this engine runs ${engine}` : `${wanted} was asked for`;
  const message = `${reference} is for ${platform}, and ${other}`;
  return { kind: 'refused', refusal: { code: 'image_platform', message } };
}

export function unproven(reference: string): ImageResult {
  const message = `${reference} was fetched with a log-in: whoever uses it must fetch it, which pull: never forbids`;
  return { kind: 'refused', refusal: { code: 'image_unauthorized', message } };
}
