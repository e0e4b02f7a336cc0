import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Environment } from '../../config/environment.js';
import { EmbeddedError } from './embedded.error.js';
import { findProgram } from './find-program.js';
import { runCommand } from './run-command.js';

/** A system user that something runs as when Millrace was started as root. */
export interface ServiceAccount {
  readonly name: string;
  /** What runs as it, for people. */
  readonly runs: string;
}

/** Of the stores. Whoever is this user may use them, for they ask for no password. */
export const DATA_ACCOUNT: ServiceAccount = {
  name: 'millrace-data',
  runs: 'the embedded services',
};
/** Of programs that were deployed on this host. It may read their releases, as no step may. */
export const PROGRAM_ACCOUNT: ServiceAccount = {
  name: 'millrace-service',
  runs: 'what was deployed on this host',
};
const SBIN = '/usr/local/sbin:/usr/sbin:/sbin';

export interface ServiceUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Whom a service runs as: undefined for the caller itself, which is right for every user but root.
 * For root it is a system user, made when it is missing (and said so); `nobody` where no user can
 * be made.
 */
export async function serviceUser(
  { name, runs }: ServiceAccount,
  env: Environment,
  progress: (line: string) => void,
): Promise<ServiceUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const known = await lookUpUser(name, env);
  if (known !== undefined) return known;
  const path = `${env['PATH'] ?? ''}:${SBIN}`;
  const useradd = await findProgram(['useradd'], { PATH: path });
  if (useradd !== undefined) {
    progress(`Making the system user ${name}, which runs ${runs}`);
    const options = ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent'];
    const args = [...options, '--shell', '/usr/sbin/nologin', name];
    await runCommand(useradd, args, { env: { ...env, PATH: path } });
    // Another Millrace may have made it meanwhile, so the look-up decides, not the exit code.
    const made = await lookUpUser(name, env);
    if (made !== undefined) return made;
  }
  progress(`The system user ${name} cannot be made; the user nobody runs ${runs}`);
  const nobody = await lookUpUser('nobody', env);
  return nobody ?? { name: 'nobody', uid: 65534, gid: 65534 };
}

/** The user of that name, as the system knows it; undefined where there is none. */
export async function lookUpUser(name: string, env: Environment): Promise<ServiceUser | undefined> {
  const uid = await runCommand('id', ['-u', name], { env });
  const gid = await runCommand('id', ['-g', name], { env });
  if (uid.code !== 0 || gid.code !== 0) return undefined;
  return { name, uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

/**
 * Checks that another user can go through every folder down to `folder` (which exists).
 *
 * @throws EmbeddedError `home_unreachable`, with the folder that is closed.
 */
export async function requireReachable(folder: string, user: ServiceUser): Promise<void> {
  for (let at = folder; ; at = dirname(at)) {
    const info = await stat(at);
    const bit = info.uid === user.uid ? 0o100 : info.gid === user.gid ? 0o010 : 0o001;
    if ((info.mode & bit) === 0) {
      throw new EmbeddedError(
        'home_unreachable',
        `the embedded services run as the user ${user.name}, which cannot enter ${at}`,
        'Use a folder that other users can reach (MILLRACE_HOME, such as /var/lib/millrace), or start Millrace as an ordinary user.',
      );
    }
    if (at === dirname(at)) return;
  }
}
