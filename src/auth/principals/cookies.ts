/** The cookies of a request by their names; of equal names the first counts. */
export function requestCookies(header: string | undefined): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>();
  for (const piece of (header ?? '').split(';')) {
    const cut = piece.indexOf('=');
    if (cut < 1) continue;
    const name = piece.slice(0, cut).trim();
    if (!cookies.has(name)) cookies.set(name, piece.slice(cut + 1).trim());
  }
  return cookies;
}

/**
 * How our cookies are set. With TLS their names begin with `__Host-`: then a browser takes them
 * from this very host only, so no neighbour in the domain can put one in their place.
 * @param publicUrl `PUBLIC_URL`
 */
export class CookieStyle {
  readonly secure: boolean;

  constructor(publicUrl: string) {
    this.secure = publicUrl.startsWith('https:');
  }

  name(name: string): string {
    return this.secure ? `__Host-${name}` : name;
  }

  /** @param maxAgeSeconds 0 takes the cookie away */
  header(name: string, value: string, maxAgeSeconds: number): string {
    const parts = [`${this.name(name)}=${value}`, 'Path=/', `Max-Age=${String(maxAgeSeconds)}`];
    // Lax: the browser comes from the forge when it needs them, by a link and not by a form.
    parts.push('HttpOnly', 'SameSite=Lax');
    if (this.secure) parts.push('Secure');
    return parts.join('; ');
  }
}
