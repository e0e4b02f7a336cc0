import {
  mergedNames,
  nameRecord,
  type NameRecord,
  valueOf,
} from '../../../common/values/name-record.js';

/**
 * The environment of a container whose image has set some of these lists of options itself, which
 * would else be replaced. Ours come last: of one option given twice, the tools take the last.
 *
 * @param options names of variables
 * @param ofImage as the image sets them
 */
export function withImageOptions(
  environment: NameRecord<string>,
  options: readonly string[],
  ofImage: NameRecord<string>,
): NameRecord<string> {
  const joined = options.flatMap((name) => {
    const [own, before] = [valueOf(environment, name), valueOf(ofImage, name)?.trim()];
    return own === undefined || !before ? [] : [[name, `${before} ${own}`] as const];
  });
  return mergedNames(environment, nameRecord(joined));
}
