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
  const releases = readdirSync(join(folder, 'releases'));
  return leftOver([
    ['releases', releases.length <= mostKept ? [] : releases, []],
    ['never served', releases.filter((one) => !served.includes(one)), []],
  ]);
}
