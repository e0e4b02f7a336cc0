/**
 * Characters by which an id is named at least: with fewer, a slip hits the only one there is, and
 * names look the same.
 */
export const LEAST_BEGINNING = 8;

/** Whether somebody who writes this means that id. */
export function isBeginning(id: string, text: string): boolean {
  return text.length >= LEAST_BEGINNING && id.startsWith(text.toLowerCase());
}
