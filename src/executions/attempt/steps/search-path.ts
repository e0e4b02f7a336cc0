import {
  mergedNames,
  nameRecord,
  type NameRecord,
  valueOf,
} from '../../../common/values/name-record.js';
import { cutText } from '../../../common/values/cut-text.js';
import type { Reason } from '../../../engine/plan/run-state.js';

/** As engines set it where an image does not. */
export const PLAIN_IMAGE_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** What a shell says of a program that it does not find. */
export const NOT_FOUND = 127;
const SHOWN_PATH = 300;

/**
 * The environment with the folders of a step in front of its `PATH`; relative ones are below its
 * workspace.
 *
 * @param before the `PATH` of an environment that has none
 */
export function withSearchFolders(
  environment: NameRecord<string>,
  folders: readonly string[] | undefined,
  before = '',
): NameRecord<string> {
  if (folders === undefined || folders.length === 0) return environment;
  const workspace = valueOf(environment, 'CI_WORKSPACE') ?? '';
  const absolute = folders.map((one) => (one.startsWith('/') ? one : `${workspace}/${one}`));
  const rest = valueOf(environment, 'PATH') ?? before;
  // An empty part of PATH would be the folder that a program stands in.
  const path = [...absolute, ...(rest === '' ? [] : [rest])].join(':');
  return mergedNames(environment, nameRecord([['PATH', path]]));
}

/**
 * Why a command ended with 127: a program may say so itself, but as a rule it is a shell's.
 *
 * @param where what is said of who has searched, behind the folders
 */
export function notFoundReason(path: string, where: string): Reason {
  const searched = path === '' ? 'no folder, as PATH is empty' : cutText(path, SHOWN_PATH);
  const message = `exit code ${NOT_FOUND}: as a rule a program was not found; searched: ${searched}; ${where}`;
  return { code: 'exit_code', message, data: { exit_code: NOT_FOUND, path } };
}
