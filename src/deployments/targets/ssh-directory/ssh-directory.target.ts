import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { quoted } from '../../../common/values/redact-urls.js';
import type { PackedFile, PackedTree } from '../../../common/archive/pack-tree.js';
import { ArchiveError } from '../../../common/archive/archive-error.js';
import type { Reason } from '../../../engine/plan/run-state.js';
import {
  type SshClient,
  SshError,
  type SshExit,
  type SshSession,
} from '../../../integrations/ssh/ssh-client.js';
import { hostOf, type SshPlace, type DirectorySettings } from '../../record/deployment.js';
import type { DeploymentStore } from '../../record/deployment-store.js';
import { identityOfText, type SealedTexts } from '../../record/sealed-texts.js';
import {
  DeployRefusedError,
  DeployTarget,
  type DirectoryRelease,
  type PreparedRelease,
  TargetAwayError,
} from '../deploy-target.js';
import { goneAmong } from '../local-directory/gone-assets.js';
import { leftOutOf } from '../left-out.js';
import { RELEASE_LIMITS } from '../release-limits.js';
import type { StepFiles } from '../../../executions/attempt/steps/deployer.js';
import { readListing, type RemoteTree } from './remote-listing.js';
import {
  ARM,
  BEGIN,
  CHECK,
  DISARM,
  FINISH,
  FORGET,
  LIST_FILES,
  LIST_OTHERS,
  LIST_SERVING,
  PUBLISH,
  REFUSALS,
  REFUSED_EXIT,
  REMOVE,
  SAYS,
  scriptCommand,
  SERVING,
  SWITCH,
  UNPACK,
  WITHDRAW,
} from './remote-scripts.js';

const SHORT_MS = 60_000;
/** Of all files of a release: to unpack, to read, to remove them. */
const LONG_MS = 2 * 3_600_000;
const MAX_LISTING_BYTES = 256 * 2 ** 20;
const NEVER = new AbortController().signal;

interface Script {
  readonly text: string;
  readonly args: readonly string[];
  readonly input?: Readable;
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
}

/**
 * Releases as folders of another host, laid out as those of this one (`LocalDirectoryTarget`). All
 * is done by commands of POSIX sh there: no sftp, and no program of ours. The switch is one
 * rename(2) of a link.
 */
export class SshDirectoryTarget extends DeployTarget<DirectorySettings> {
  constructor(
    private readonly client: SshClient,
    private readonly sealed: SealedTexts,
    private readonly store: Pick<DeploymentStore, 'service'>,
  ) {
    super();
  }

  async plan(serviceId: string, settings: DirectorySettings): Promise<readonly Reason[]> {
    const args = [this.placeOf(settings), await this.markOf(serviceId)];
    const said = await this.run(settings, { text: CHECK, args });
    if (!said.startsWith('closed ')) return [];
    const path = said.slice('closed '.length).trimEnd();
    const message = `only its owner can enter ${path}: a server that runs as another user cannot read the release`;
    return [{ code: 'path_closed', message, data: { path } }];
  }

  async prepare(
    release: DirectoryRelease,
    source: StepFiles,
    signal: AbortSignal,
  ): Promise<PreparedRelease> {
    const { settings } = release;
    const packed = new Map<string, string>();
    const request = {
      exclude: [...settings.exclude, ...settings.shared],
      limits: RELEASE_LIMITS,
      onFile: ({ path, digest }: PackedFile) => void packed.set(path, digest),
    };
    const mark = await this.markOf(release.service_id);
    return this.within(settings, signal, (session) =>
      source.packed(request, signal, (tree) =>
        this.bring({ release, tree, packed, mark }, session, signal),
      ),
    );
  }

  async arm({ number, settings }: DirectoryRelease, token: string): Promise<void> {
    await this.run(settings, { text: ARM, args: [settings.path, String(number), token] });
  }

  async switchTo({ settings }: DirectoryRelease, token: string): Promise<void> {
    await this.run(settings, { text: SWITCH, args: [settings.path, token] });
  }

  async disarm(settings: DirectorySettings): Promise<void> {
    await this.run(settings, { text: DISARM, args: [settings.path] });
  }

  async serving(settings: DirectorySettings): Promise<number | undefined> {
    const said = await this.run(settings, { text: SERVING, args: [settings.path] });
    const number = /^releases\/([1-9][0-9]*)$/.exec(said)?.[1];
    return number === undefined ? undefined : Number(number);
  }

  async digestOf({ number, settings }: DirectoryRelease): Promise<string | undefined> {
    const tree = await this.within(settings, NEVER, (session) =>
      listed(session, `${settings.path}/releases/${number}`, NEVER),
    );
    return tree?.digest;
  }

  async withdraw({ settings, service_id: id }: DirectoryRelease): Promise<void> {
    await this.run(settings, { text: WITHDRAW, args: [settings.path, await this.markOf(id)] });
  }

  async forget(serviceId: string, settings: DirectorySettings): Promise<void> {
    await this.run(settings, { text: FORGET, args: [settings.path, await this.markOf(serviceId)] });
  }

  async remove({ number, settings, service_id: id }: DirectoryRelease): Promise<void> {
    const args = [settings.path, String(number), await this.markOf(id)];
    const said = await this.run(settings, { text: REMOVE, args, timeoutMs: LONG_MS });
    if (said !== '') throw new Error(`release ${number} of ${id} serves, and is not removed`);
  }

  placeOf({ path }: DirectorySettings): string {
    const whole = posix.normalize(path).replace(/\/+$/, '');
    if (path.startsWith('/') && !path.split('/').includes('..') && whole !== '') return whole;
    throw new DeployRefusedError({
      code: 'path_not_allowed',
      message: `${path} cannot be deployed to: on another host the folder is named whole, as /srv/www/shop`,
      data: { path },
    });
  }

  endpoint(settings: DirectorySettings): string {
    return `${hostOf(settings, '')}${this.placeOf(settings)}/current`;
  }

  private async bring(
    {
      release: { number, settings },
      tree,
      packed,
      mark,
    }: {
      readonly release: DirectoryRelease;
      readonly tree: PackedTree;
      readonly packed: ReadonlyMap<string, string>;
      readonly mark: string;
    },
    session: SshSession,
    signal: AbortSignal,
  ): Promise<PreparedRelease> {
    const { path, permissions, shared } = settings;
    const at = [path, String(number)] as const;
    const run = (script: Script): Promise<Buffer> => said(session, script, signal);
    await run({ text: BEGIN, args: [path, mark, String(number)], timeoutMs: LONG_MS });
    await run({ text: UNPACK, args: at, input: tree.stream, timeoutMs: LONG_MS });
    const modes = [modeText(permissions.files, 'a+r,go-w'), modeText(permissions.folders, '0755')];
    const links = shared.flatMap((one) => [one, linkTo(one)]);
    await run({ text: FINISH, args: [...at, ...modes, ...links], timeoutMs: LONG_MS });
    const there = await listed(session, `${path}/releases/.unpack-${number}`, signal);
    if (there === undefined) throw changed('what was unpacked is gone');
    for (const [name, digest] of packed) {
      if (there.contents.get(name) !== digest) {
        throw changed(`${quoted(name, 200)} did not arrive as it was packed`);
      }
    }
    const files = there.contents.size;
    if (files !== packed.size) throw changed(`${files} files arrived, ${packed.size} were packed`);
    const gone = goneBetween(
      await run({
        text: LIST_SERVING,
        args: [path],
        timeoutMs: LONG_MS,
        maxBytes: MAX_LISTING_BYTES,
      }),
      there.contents,
    );
    await run({ text: PUBLISH, args: at });
    const warnings = [...leftOutOf(tree), ...gone];
    return { digest: there.digest, files, bytes: there.bytes, warnings };
  }

  /** What the folder is marked with: the record of the service is the same for every worker. */
  private async markOf(serviceId: string): Promise<string> {
    const service = await this.store.service(serviceId);
    if (service === undefined) throw new Error(`there is no service ${serviceId}`);
    return `${serviceId}, service ${service.id}`;
  }

  private async run(settings: DirectorySettings, script: Script): Promise<string> {
    const bytes = await this.within(settings, NEVER, (session) => said(session, script, NEVER));
    return bytes.toString();
  }

  /** @throws TargetAwayError */
  private async within<T>(
    settings: DirectorySettings,
    signal: AbortSignal,
    work: (session: SshSession) => Promise<T>,
  ): Promise<T> {
    const { ssh } = settings;
    if (ssh === undefined) throw new Error('a target of another host, and no host');
    try {
      const session = await this.client.connect(await this.loginOf(ssh), signal);
      try {
        return await work(session);
      } finally {
        session.close();
      }
    } catch (error) {
      if (!(error instanceof SshError)) throw error;
      const { code, message } = error;
      throw new TargetAwayError({ code, message, data: { host: hostOf(settings, '') } });
    }
  }

  private async loginOf({
    identity: id,
    ...place
  }: SshPlace): Promise<Parameters<SshClient['connect']>[0]> {
    const text = await this.sealed.find(id);
    if (text === undefined) throw new Error(`the SSH identity ${id} is not stored`);
    return { ...place, ...identityOfText(text) };
  }
}

/** What a script has printed. @throws DeployRefusedError */
async function said(session: SshSession, script: Script, signal: AbortSignal): Promise<Buffer> {
  const { text, args, input, timeoutMs = SHORT_MS, maxBytes } = script;
  const command = { text: scriptCommand(text, args), input, timeoutMs, maxBytes };
  let exit: SshExit;
  try {
    exit = await session.run(command, signal);
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    const message = `the release cannot be taken: ${error.message}`;
    throw new DeployRefusedError({ code: 'release_too_large', message });
  }
  const begin = exit.output.indexOf(SAYS);
  if (begin === -1) {
    const message = `the user may not run commands there, or its shell is no POSIX shell: ${plain(exit.errors) || 'nothing was said'}`;
    throw new SshError('remote_shell_missing', message);
  }
  const output = exit.output.subarray(begin + SAYS.length);
  if (exit.code === 0) return output;
  throw exit.code === REFUSED_EXIT ? refusal(output.toString()) : commandFailed(exit);
}

/** @returns undefined: the folder is not there */
async function listed(
  session: SshSession,
  folder: string,
  signal: AbortSignal,
): Promise<RemoteTree | undefined> {
  const whole = { args: [folder], timeoutMs: LONG_MS, maxBytes: MAX_LISTING_BYTES };
  const files = await said(session, { text: LIST_FILES, ...whole }, signal);
  const others = await said(session, { text: LIST_OTHERS, ...whole }, signal);
  return readListing(files, others);
}

/** @param said by LIST_SERVING */
function goneBetween(said: Buffer, next: ReadonlyMap<string, string>): readonly Reason[] {
  const [link = '', ...files] = said.toString().split('\0');
  const before = Number(/^releases\/([1-9][0-9]*)$/.exec(link)?.[1] ?? 0);
  const paths = files.map((path) => path.replace(/^\.\//, ''));
  const gone = before === 0 ? undefined : goneAmong(before, paths, next);
  return gone === undefined ? [] : [gone];
}

function refusal(output: string): DeployRefusedError {
  const [, code, why = ''] = /^refused ([a-z_]+) ([^]*)$/m.exec(output) ?? [];
  const known = REFUSALS.find((one) => one === code);
  const text = plain(why);
  switch (known) {
    case 'path_taken':
      return refused('path_taken', `the folder belongs to another service: ${text}`);
    case 'path_unusable':
      return refused('path_unusable', `the folder cannot be used: ${text}`);
    case 'remote_tool_missing':
      return refused('remote_tool_missing', `the host lacks programs that are needed: ${text}`);
    case undefined:
      return refused('remote_command_failed', `a command has failed there: ${text}`);
  }
}

function commandFailed({ code, errors }: SshExit): DeployRefusedError {
  const why = plain(errors) || (code === undefined ? 'a signal' : `exit code ${code}`);
  return refused('remote_command_failed', `a command has failed there: ${why}`);
}

function changed(message: string): DeployRefusedError {
  return refused('transfer_damaged', message);
}

function refused(code: string, message: string): DeployRefusedError {
  return new DeployRefusedError({ code, message });
}

/** One line of what another host says. */
function plain(text: string): string {
  return quoted(text.replace(/[\p{C}\s]+/gu, ' ').trim(), 300);
}

function modeText(mode: number | undefined, otherwise: string): string {
  return mode === undefined ? otherwise : mode.toString(8).padStart(4, '0');
}

/** From `public/uploads` in a release to `shared/public/uploads`. */
function linkTo(shared: string): string {
  return `${'../'.repeat(shared.split('/').length + 1)}shared/${shared}`;
}
