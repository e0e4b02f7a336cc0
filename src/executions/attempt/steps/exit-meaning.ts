/**
 * What an exit code says of a container that runs a program as it is: the init above it and every
 * shell end so for a program that they cannot run. ` (…)`, to be set behind the code; empty for all
 * other codes, which are the program's own.
 */
export function exitMeaning(exitCode: number): string {
  if (exitCode === 127) return ' (its program, or one that it starts, is not in the image)';
  if (exitCode === 126) return ' (its program, or one that it starts, cannot be run)';
  return '';
}
