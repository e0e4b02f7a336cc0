import { valueOf } from '../../../common/values/name-record.js';
import type { BuildAction } from '../../../engine/steps/build/build-action.js';

const OCI = 'org.opencontainers.image';

/**
 * Labels of an image: what is known of where it came from, what the step says, and what is ours;
 * of equal names the last counts.
 *
 * @param own of the installation
 */
export function buildLabels(
  { labels = {} }: Pick<BuildAction, 'labels'>,
  environment: Readonly<Record<string, string>>,
  own: Readonly<Record<string, string>>,
  now: Date,
): ReadonlyMap<string, string> {
  const known = (label: string, variable: string): readonly (readonly [string, string])[] => {
    const value = valueOf(environment, variable) ?? '';
    return value === '' ? [] : [[`${OCI}.${label}`, value]];
  };
  return new Map([
    [`${OCI}.created`, now.toISOString()],
    ...known('revision', 'CI_COMMIT'),
    ...known('source', 'CI_REPOSITORY_URL'),
    ...Object.entries(labels),
    ...Object.entries(own),
  ]);
}
