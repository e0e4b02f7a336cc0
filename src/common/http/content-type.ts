import { parse } from 'content-type';

/** Media type of a `Content-Type` header in lower case, without parameters. */
export function mediaType(header: string | undefined): string {
  return parse(header ?? '', { parameters: false }).type;
}

/** `charset` parameter of a `Content-Type` header in lower case; `undefined` = none, or empty. */
export function charset(header: string | undefined): string | undefined {
  return parse(header ?? '').parameters['charset']?.toLowerCase() || undefined;
}

/** True when a request announces a body, be it empty or not. */
export function announcesBody(headers: {
  readonly 'content-length'?: string;
  readonly 'transfer-encoding'?: string;
}): boolean {
  if (headers['transfer-encoding'] !== undefined) return true;
  return Number(headers['content-length'] ?? 0) > 0;
}
