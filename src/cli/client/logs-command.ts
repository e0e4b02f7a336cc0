import type { LogLine } from '../api/wire-readers.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanJson } from '../terminal/clean-text.js';
import type { Terminal } from '../terminal/terminal.js';
import { findExecution } from './find-execution.js';
import { askedPlaces } from './log-places.js';
import { LogPrinter } from './log-printer.js';
import { type LogSelection, readLog } from './log-reader.js';
import { type ClientFlags, Session } from './session.js';
import { quiet } from './trigger-command.js';
import { watchExecution } from './watch-execution.js';

export interface LogsFlags extends ClientFlags {
  readonly follow?: boolean;
  readonly stage?: string;
  readonly step?: string;
  readonly attempt?: number;
  readonly sinceSeq?: number;
  readonly timestamps?: boolean;
  readonly prefix: boolean;
}

/**
 * The log as it is; with `--follow` until the execution is over, and then its result is the exit
 * code.
 */
export async function logsCommand(
  reference: string,
  flags: LogsFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const id = await findExecution(session.api, reference);
  const places = await askedPlaces(session.api, id, flags);
  const selection = selectionOf({ ...flags, ...places });
  if (flags.follow) return followLog(session, id, selection, flags);
  const printer = printerOf(flags, terminal);
  for await (const lines of readLog(session.api, id, selection)) {
    if (session.json) terminal.write(`${lines.map(({ json }) => cleanJson(json)).join('\n')}\n`);
    else await printer.print(lines.map(({ line }) => line));
    await terminal.drained();
    if (terminal.readerGone) break;
  }
  printer.end();
  return exitCodes.success;
}

async function followLog(
  session: Session,
  id: string,
  selection: LogSelection,
  flags: LogsFlags,
): Promise<number> {
  const { terminal, json } = session;
  const printer = printerOf(flags, terminal);
  const listener = {
    ...quiet(terminal),
    onLines: async (all: readonly LogLine[]): Promise<void> => {
      const lines = all.filter((line) => isSelected(line, selection));
      if (lines.length === 0) return;
      if (!json) return printer.print(lines);
      terminal.write(`${lines.map((line) => cleanJson(JSON.stringify(line))).join('\n')}\n`);
      await terminal.drained();
    },
  };
  const options = { afterSeq: selection.afterSeq };
  return watchExecution(session, id, listener, options, () => printer.end());
}

function selectionOf({ stage, step, attempt, sinceSeq }: LogsFlags): LogSelection {
  return {
    ...(stage === undefined ? {} : { stage }),
    ...(step === undefined ? {} : { step }),
    ...(attempt === undefined ? {} : { attempt }),
    afterSeq: sinceSeq ?? 0,
  };
}

function isSelected(line: LogLine, { stage, step, attempt }: LogSelection): boolean {
  return (
    (stage === undefined || line.stage === stage) &&
    (step === undefined || line.step === step) &&
    (attempt === undefined || line.attempt === attempt)
  );
}

function printerOf({ prefix, timestamps }: LogsFlags, terminal: Terminal): LogPrinter {
  return new LogPrinter(terminal, { prefix, timestamps: timestamps ?? false });
}
