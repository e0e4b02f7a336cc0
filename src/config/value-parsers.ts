import { isIP } from 'node:net';

/**
 * What a parser makes of the text of one variable: its value, or what is wrong with it and what to
 * write instead.
 */
export type Parsed<T> = { readonly value: T } | { readonly problem: string };

/**
 * Reads one kind of value and writes it back, so that a configuration can be handed to a child
 * process.
 */
export interface ValueKind<T> {
  parse(text: string): Parsed<T>;
  format(value: T): string;
}

const asText = String as (value: unknown) => string;

/** A whole number within `min..max`. */
export function integer(min: number, max: number): ValueKind<number> {
  return {
    parse: (text) => {
      const value = Number(text);
      if (/^\d+$/.test(text) && value >= min && value <= max) return { value };
      return { problem: `must be a whole number from ${min} to ${max}` };
    },
    format: asText,
  };
}

/** TCP ports, both ends included. */
export interface PortSpan {
  readonly from: number;
  readonly to: number;
}

/** `20000-29999`, or one port: from 1024 on, those before are for the system's own programs. */
export const portSpan: ValueKind<PortSpan> = {
  parse: (text) => {
    const [, first, last = first] = /^(\d{1,5})(?:\s*-\s*(\d{1,5}))?$/.exec(text) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (from >= 1024 && from <= to && to <= 65_535) return { value: Object.freeze({ from, to }) };
    return {
      problem: 'must be ports from 1024 to 65535, the lower one first, such as 20000-29999',
    };
  },
  format: ({ from, to }) => (from === to ? String(from) : `${from}-${to}`),
};

const sizeUnits: Readonly<Record<string, number>> = {
  '': 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
};

/** Bytes: a number, or one with a unit: `10MiB`, `512k`, `1GB`. Units are powers of 1024. */
export function byteSize(min: number, max: number): ValueKind<number> {
  return {
    parse: (text) => {
      const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text);
      const unit = sizeUnits[(match?.[2] ?? '').toLowerCase()] ?? 1;
      const value = Math.floor(Number(match?.[1]) * unit);
      if (match && value >= min && value <= max) return { value };
      return {
        problem: `must be a size from ${formatSize(min)} to ${formatSize(max)}, such as 512MiB`,
      };
    },
    format: formatSize,
  };
}

/** The shortest exact spelling: `10MiB`, `1500` (bytes). */
export function formatSize(bytes: number): string {
  for (const [unit, name] of [
    [1024 ** 4, 'TiB'],
    [1024 ** 3, 'GiB'],
    [1024 ** 2, 'MiB'],
    [1024, 'KiB'],
  ] as const) {
    if (bytes >= unit && bytes % unit === 0) return `${bytes / unit}${name}`;
  }
  return String(bytes);
}

/** `15`, or `15m`. */
export function minutes(min: number, max: number): ValueKind<number> {
  return {
    parse: (text) => {
      const value = Number(/^(\d{1,6})m?$/.exec(text)?.[1]);
      if (value >= min && value <= max) return { value };
      return { problem: `must be minutes from ${min} to ${max}, such as ${max}m` };
    },
    format: asText,
  };
}

/**
 * One of a fixed set of words; case does not matter.
 * @param aliases other words for them
 */
export function oneOf<const T extends string>(
  values: readonly T[],
  aliases: Readonly<Record<string, NoInfer<T>>> = {},
): ValueKind<T> {
  return {
    parse: (text) => {
      const lower = text.toLowerCase();
      const value = values.find((each) => each.toLowerCase() === lower) ?? aliases[lower];
      if (value !== undefined) return { value };
      return { problem: `must be one of: ${values.join(', ')}` };
    },
    format: asText,
  };
}

/** `true` or `false`; case does not matter. */
export const flag: ValueKind<boolean> = {
  parse: (text) => {
    const lower = text.toLowerCase();
    if (lower === 'true' || lower === 'false') return { value: lower === 'true' };
    return { problem: 'must be true or false' };
  },
  format: asText,
};

/** Text that matches `pattern`; `rule` says the pattern in words. */
export function textLike(pattern: RegExp, rule: string): ValueKind<string> {
  return {
    parse: (text) => (pattern.test(text) ? { value: text } : { problem: rule }),
    format: asText,
  };
}

/**
 * Items separated by commas; blanks and repeated items are dropped. Every item must pass
 * `parseItem`.
 */
export function list(parseItem: (item: string) => Parsed<string>): ValueKind<readonly string[]> {
  return {
    parse: (text) => {
      const items: string[] = [];
      for (const part of text.split(',')) {
        const item = part.trim();
        if (item === '') continue;
        const parsed = parseItem(item);
        if ('problem' in parsed) return { problem: `"${item}" ${parsed.problem}` };
        items.push(parsed.value);
      }
      return { value: [...new Set(items)] };
    },
    format: (value) => value.join(','),
  };
}

/** The same kind, where the variable may also be absent. */
export function optional<T>(kind: ValueKind<T>): ValueKind<T | undefined> {
  return {
    parse: (text) => kind.parse(text),
    format: (value) => (value === undefined ? '' : kind.format(value)),
  };
}

/** An origin as a browser sends it: scheme, host and port, nothing else. */
export function parseOrigin(item: string): Parsed<string> {
  const rule = { problem: 'must be an origin such as https://ci.example.com (no path)' };
  if (!URL.canParse(item)) return rule;
  const url = new URL(item);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return rule;
  if (url.pathname !== '/' || url.search || url.hash || url.username) return rule;
  return { value: url.origin };
}

/** Address of this server, without a slash at its end. */
export function parsePublicUrl(item: string): Parsed<string> {
  const rule = { problem: 'must be an http or https URL such as https://ci.example.org' };
  if (!URL.canParse(item)) return rule;
  const url = new URL(item);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return rule;
  if (url.search || url.hash || url.username || url.password) return rule;
  return { value: url.href.replace(/\/+$/, '') };
}

/**
 * What may be reached although it is private: `all`, an IP address, a network (`10.0.0.0/8`,
 * `fd00::/8`) or a host name.
 */
export function parseAllowedAddress(item: string): Parsed<string> {
  const text = item.toLowerCase();
  const [address = '', bits] = text.split('/');
  const version = isIP(address);
  if (version !== 0) {
    const most = version === 4 ? 32 : 128;
    const fits = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most);
    if (fits && text.split('/').length <= 2) return { value: text };
  } else if (/^(?=.*[a-z])[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(text)) {
    return { value: text };
  }
  return { problem: 'must be an IP address, a network such as 10.0.0.0/8, a host name, or all' };
}
