/** Media type of a `Content-Type` header in lower case, without parameters. */
export function mediaType(header: string | undefined): string {
  return (header ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** `charset` parameter of a `Content-Type` header in lower case. */
export function charset(header: string | undefined): string | undefined {
  return /;\s*charset="?([^";]+)"?/i
    .exec(header ?? '')?.[1]
    ?.trim()
    .toLowerCase();
}

/** True when a request announces a body, be it empty or not. */
export function announcesBody(headers: {
  readonly 'content-length'?: string;
  readonly 'transfer-encoding'?: string;
}): boolean {
  if (headers['transfer-encoding'] !== undefined) return true;
  return Number(headers['content-length'] ?? 0) > 0;
}
