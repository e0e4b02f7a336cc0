import { mkdir, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { ArchiveError } from '../../common/archive/archive-error.js';
import { unpackTree } from '../../common/archive/unpack-tree.js';
import { MAX_TREE_ENTRIES } from '../../common/tree/tree-limits.js';
import { shownSize } from '../../common/values/shown-size.js';
import { artifact } from '../api/wire-readers.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';
import type { Terminal } from '../terminal/terminal.js';
import { findExecution } from './find-execution.js';
import { type PageFlags, printPage } from './list-page.js';
import { Session } from './session.js';

export interface ArtifactsFlags extends PageFlags {
  /** Folder that they are saved to. */
  readonly save?: string;
}

/** The server says what it sends; more than this is none of what steps leave. */
const LIMITS = { maxBytes: 2 ** 40, maxEntries: MAX_TREE_ENTRIES };

/** Artifacts of an execution: a list of them, or into a folder. */
export async function artifactsCommand(
  reference: string,
  patterns: readonly string[],
  flags: ArtifactsFlags,
  terminal: Terminal,
): Promise<number> {
  if (flags.save === undefined && patterns.length > 0) {
    throw new CommandError('Patterns say what is saved: name a folder.', exitCodes.usage, [
      'As in: ./millrace artifacts last "dist/**" --save out',
    ]);
  }
  const session = Session.open(flags, terminal);
  const id = await findExecution(session.api, reference);
  const path = `/api/ci/executions/${id}/artifacts`;
  if (flags.save !== undefined)
    return save(session, path, { patterns, reference, folder: flags.save });
  return printPage(session, flags, {
    path,
    reader: artifact,
    none: 'No artifacts: no step kept any, or they have expired. A step keeps files by `artifacts: dist/**`.',
    columns: [
      { title: 'PATH', text: (each) => each.path, narrow: 'name' },
      { title: 'SIZE', text: ({ size }) => shownSize(size), align: 'right' },
      {
        title: 'STEP',
        text: ({ stage, step, attempt }) =>
          `${stage === '' ? '' : `${stage}/`}${step}${attempt > 1 ? `, attempt ${attempt}` : ''}`,
        narrow: 'note',
      },
      { title: 'SHA-256', text: ({ digest }) => digest.slice(0, 12) },
    ],
  });
}

/** What is saved of an execution, and where. */
interface Wanted {
  /** None: all. */
  readonly patterns: readonly string[];
  /** As it was written. */
  readonly reference: string;
  readonly folder: string;
}

/** All or nothing: the folder is there when it is whole. */
async function save(
  session: Session,
  path: string,
  { patterns, reference, folder }: Wanted,
): Promise<number> {
  const query = new URLSearchParams(
    patterns.map((pattern): [string, string] => ['paths', pattern]),
  );
  const request = { method: 'GET', path: `${path}.tar.gz?${query.toString()}` };
  const answer = await session.api.open(request, 'application/octet-stream');
  const target = resolve(folder);
  await mkdir(dirname(target), { recursive: true });
  try {
    const body = Readable.from(answer.chunks());
    const { entries, bytes } = await unpackTree(body, target, {
      limits: LIMITS,
      gzip: true,
      missingTargets: 'keep',
    });
    if (entries === 0) {
      await rm(target, { recursive: true });
      throw nothingToSave(patterns, reference);
    }
    if (session.json) session.printJson(JSON.stringify({ folder: target, entries, bytes }));
    else {
      const files = `${entries} ${entries === 1 ? 'entry' : 'entries'}, ${shownSize(bytes)}`;
      session.terminal.print(cleanText(`Saved to ${folder}: ${files}.`));
    }
    return exitCodes.success;
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    const isTaken = error.code === 'target_exists';
    const why = isTaken ? `there is something in ${folder} already.` : error.message;
    throw new CommandError(
      cleanText(`Nothing is saved: ${why}`),
      exitCodes.failed,
      isTaken ? ['The folder must be new or empty.'] : [],
    );
  }
}

function nothingToSave(patterns: readonly string[], reference: string): CommandError {
  if (patterns.length === 0) {
    return new CommandError('The execution has no artifacts.', exitCodes.notFound, [
      'No step kept any (by `artifacts: dist/**`), or they have expired.',
    ]);
  }
  return new CommandError('Nothing fits: no artifact has such a path.', exitCodes.notFound, [
    `See what there is: ./millrace artifacts ${cleanText(reference)}`,
  ]);
}
