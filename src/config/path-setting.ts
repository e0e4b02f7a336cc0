import { fileProblem } from '../common/values/file-problem.js';
import { ConfigError } from './config-error.js';

/** A setting that names a file or a folder. */
export interface PathSetting {
  /** The variable. */
  readonly name: string;
  readonly path: string;
  readonly kind: 'file' | 'folder';
}

/** What the system says of a path that is wrong; not of a disk that is full or broken. */
const OF_THE_PATH: ReadonlySet<string> = new Set([
  ...['ENOENT', 'ENOTDIR', 'EISDIR', 'EEXIST', 'EACCES', 'EPERM', 'EROFS', 'ELOOP'],
  'ENAMETOOLONG',
]);

/**
 * What to throw where the system has refused the path of a setting: a ConfigError that names the
 * setting where it is to blame, else `error` as it is.
 */
export function settingError({ name, path, kind }: PathSetting, error: unknown): unknown {
  if (!OF_THE_PATH.has((error as NodeJS.ErrnoException).code ?? '')) return error;
  const message = `must lead to a ${kind} that this user can use; ${path} cannot be used: ${fileProblem(error)}`;
  return new ConfigError([{ name, message }]);
}
