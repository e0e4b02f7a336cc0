const MAX_REF_LENGTH = 255;

/**
 * What a pipeline or a trigger may name: a name that git takes (`isRefName`), besides without
 * blanks and control characters of any kind.
 */
export const ASKED_REF_NAME =
  /^(?![-/.]|@$)(?!.*(?:\.\.|@\{|\/[/.]|\.lock(?:\/|$)|[/.]$))[^\s~^:?*[\\\p{Cc}]+$/u;

/**
 * The rules of git-check-ref-format(1), and no `-` in front. Such a name is also safe as a path
 * under `refs/`.
 */
export function isRefName(name: string): boolean {
  return (
    name.length > 0 &&
    name.length <= MAX_REF_LENGTH &&
    !/[\u0000-\u0020\u007f~^:?*[\\]/.test(name) &&
    !/^-|^\/|\/$|\/\/|\.$|\.\.|@\{|^@$/.test(name) &&
    name.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'))
  );
}
