import type { Parsed } from './value-parsers.js';

/** Forges at which people may log in. */
export const LOGIN_FORGES = ['github', 'gitea'] as const;

export type LoginForge = (typeof LOGIN_FORGES)[number];

/** An entry of ADMIN_LOGINS or of one of the ALLOWED lists, taken apart. */
export interface LoginEntry {
  /** Absent: of the one forge that is configured. */
  readonly forge?: LoginForge;
  /** In lower case: forges do not tell log-in names apart by case. `acme/developers` of a team. */
  readonly name?: string;
  /** The numeric id in the place of a name. */
  readonly id?: string;
  /** `*` */
  readonly everybody?: true;
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,99}$/;
const ENTRY = new RegExp(`^(?:(${LOGIN_FORGES.join('|')}):)?(?:id:(\\d{1,19})|(.+))$`);

/** @param options `everybody`: `*` is taken too */
export function parseLoginEntry(
  item: string,
  options: { readonly everybody?: boolean } = {},
): Parsed<string> {
  const { name, id } = loginEntry(item);
  const isGood = id !== undefined || NAME.test(name ?? '');
  if (isGood || (options.everybody === true && loginEntry(item).everybody === true)) {
    return { value: item.toLowerCase() };
  }
  return { problem: 'must be a name such as ada or github:ada, or a numeric id such as id:583231' };
}

export function parseTeamEntry(item: string): Parsed<string> {
  const { name, id } = loginEntry(item);
  const parts = (name ?? '').split('/');
  if (id !== undefined || (parts.length === 2 && parts.every((part) => NAME.test(part)))) {
    return { value: item.toLowerCase() };
  }
  return { problem: 'must be organization/team, such as acme/developers' };
}

/** What an entry says; it need not be a good one. */
export function loginEntry(item: string): LoginEntry {
  const [, forge, id, name] = ENTRY.exec(item.toLowerCase()) ?? [];
  return {
    ...(forge !== undefined && { forge: forge as LoginForge }),
    ...(id !== undefined && { id }),
    ...(name !== undefined && name !== '*' && { name }),
    ...(name === '*' && { everybody: true }),
  };
}

/** Long enough, and not one character again and again: guessed, it would make anybody anyone. */
export function parseSigningSecret(text: string): Parsed<string> {
  if (Buffer.byteLength(text) >= 32 && new Set(text).size >= 8) return { value: text };
  return { problem: 'must be at least 32 random characters (try: openssl rand -hex 32)' };
}
