import type { Keyring } from './keyring.js';
import { openJson, sealJson } from './sealed-json.js';

/** A document some fields of which are stored together, sealed; or, by older releases, in clear. */
export type Sealed<T, F extends keyof T> = Omit<T, F> & Partial<Pick<T, F>> & { sealed?: string };

/** Puts these fields into `sealed`, all of them by one seal. */
export function fieldsSealed<T extends object, F extends keyof T & string>(
  keyring: Keyring,
  document: T,
  fields: readonly F[],
  context: string,
): Sealed<T, F> & { sealed: string } {
  const isHidden = (name: string): boolean => (fields as readonly string[]).includes(name);
  const entries = Object.entries(document);
  const hidden = Object.fromEntries(entries.filter(([name]) => isHidden(name)));
  const shown = Object.fromEntries(entries.filter(([name]) => !isHidden(name)));
  const sealed = sealJson(keyring, JSON.stringify(hidden), context);
  return { ...shown, sealed } as unknown as Sealed<T, F> & { sealed: string };
}

/**
 * The document with its fields. One that is stored in clear is taken as it is.
 * @throws MissingKeyError, BrokenSealError
 */
export function fieldsOpened<T extends object>(
  keyring: Keyring,
  { sealed, ...shown }: { readonly sealed?: string },
  context: string,
): T {
  const hidden: unknown =
    sealed === undefined ? {} : JSON.parse(openJson(keyring, sealed, context));
  return { ...shown, ...(hidden as object) } as T;
}
