/**
 * 22 characters for the 36 of a UUID: paths of unix sockets below a workspace end at 107 bytes
 * (unix(7)).
 */
const ATTEMPT_FOLDER = /^([A-Za-z0-9_-]{22})\.([1-9]\d*)$/;

/** Name of the folder of an execution attempt, from which `parseAttemptFolder` reads both back. */
export function attemptFolder(executionId: string, attempt: number): string {
  const bytes = Buffer.from(executionId.replaceAll('-', ''), 'hex');
  return `${bytes.toString('base64url')}.${attempt}`;
}

/** Undefined for a name that `attemptFolder` never makes. */
export function parseAttemptFolder(
  name: string,
): { readonly executionId: string; readonly attempt: number } | undefined {
  const [, id, attempt] = ATTEMPT_FOLDER.exec(name) ?? [];
  if (id === undefined) return undefined;
  const hex = Buffer.from(id, 'base64url').toString('hex');
  const executionId = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return { executionId, attempt: Number(attempt) };
}
