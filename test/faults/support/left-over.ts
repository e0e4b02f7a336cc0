import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** What is looked at of a service, how it is, and how it should be. */
export type Look = readonly [what: string, is: unknown, wanted: unknown];

/** Those looks that are not as they should be, each told in a line. */
export function leftOver(looks: readonly Look[]): readonly string[] {
  return looks.flatMap(([what, is, wanted]) => {
    const [seen, right] = [JSON.stringify(is), JSON.stringify(wanted)];
    return seen === right ? [] : [`${what}: ${seen}, not ${right}`];
  });
}

/** @param kept numbers of releases */
export function tooMany(kept: readonly string[], mostKept: number): Look {
  return ['kept', kept.length <= mostKept ? [] : kept, []];
}

/**
 * @param kept numbers of releases
 * @param served of those that have ever served
 */
export function keptLooks(
  kept: readonly string[],
  served: readonly string[],
  mostKept: number,
): readonly Look[] {
  return [
    tooMany(kept, mostKept),
    ['kept, and never served', kept.filter((one) => !served.includes(one)), []],
  ];
}

/**
 * Of a folder that is deployed to.
 *
 * @param served numbers of releases that have ever served
 */
export function leftOfFolder(
  folder: string,
  served: readonly string[],
  mostKept: number,
): readonly string[] {
  return leftOver(keptLooks(readdirSync(join(folder, 'releases')), served, mostKept));
}
