import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { ProcessRunnerError } from '../process-runner.error.js';
import type { StepUser } from '../step-account.js';

/** The system user of steps when Millrace is started as root and `STEP_USER` names no other. */
export const DEFAULT_STEP_USER = 'millrace-step';

const run = promisify(execFile);

/** Looks the user up in /etc/passwd. @throws ProcessRunnerError `step_user_not_found`. */
export async function resolveStepUser(name: string, passwdFile = '/etc/passwd'): Promise<StepUser> {
  const user = parsePasswd(await readFile(passwdFile, 'utf8'), name);
  if (user) return user;
  throw new ProcessRunnerError(
    'step_user_not_found',
    `there is no user ${name} in ${passwdFile}; make it with: useradd --system ${name}`,
  );
}

/**
 * The user that steps run as: undefined for an ordinary user, whose steps are its own. For root it
 * is `name`, or `millrace-step`, which is made (system user, no login) when it is missing. May run
 * concurrently in several processes.
 *
 * @throws ProcessRunnerError `step_user_not_found` for a named user, `step_user_create_failed`.
 */
export async function ensureStepUser(name?: string): Promise<StepUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  if (name !== undefined) return resolveStepUser(name);
  const known = parsePasswd(await readFile('/etc/passwd', 'utf8'), DEFAULT_STEP_USER);
  return known ?? createStepUser();
}

async function createStepUser(): Promise<StepUser> {
  const account = ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent'];
  const args = [...account, '--shell', '/usr/sbin/nologin', DEFAULT_STEP_USER];
  const failure = await run('useradd', args, {
    env: { PATH: '/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin' },
  }).then(
    () => undefined,
    (error: unknown) => error,
  );
  // Another process may have made it meanwhile: the look-up decides, not the exit code.
  const made = parsePasswd(await readFile('/etc/passwd', 'utf8'), DEFAULT_STEP_USER);
  if (made) return made;
  throw new ProcessRunnerError(
    'step_user_create_failed',
    `the user ${DEFAULT_STEP_USER}, which steps run as, cannot be made; make it, or name another one with STEP_USER`,
    { cause: failure },
  );
}

/** A line of passwd(5): name:password:uid:gid:… */
function parsePasswd(text: string, name: string): StepUser | undefined {
  for (const line of text.split('\n')) {
    const [user, , uid, gid] = line.split(':');
    if (user === name && /^\d+$/.test(uid ?? '') && /^\d+$/.test(gid ?? '')) {
      return { name, uid: Number(uid), gid: Number(gid) };
    }
  }
  return undefined;
}
