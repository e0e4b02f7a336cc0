import { uuidV7 } from '../../common/ids/uuid.js';
import { accepted } from '../api/wire-readers.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';
import type { Terminal } from '../terminal/terminal.js';
import { findPipeline } from './find-pipeline.js';
import type { FollowListener } from './follow-execution.js';
import { LiveProgress } from './live-progress.js';
import { LogPrinter } from './log-printer.js';
import { type ClientFlags, Session } from './session.js';
import { watchExecution } from './watch-execution.js';

/** What `trigger` and `plan` tell of a trigger. */
export interface TriggerValues {
  readonly branch?: string;
  readonly tag?: string;
  readonly commit?: string;
  readonly repository?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: Readonly<Record<string, string>>;
}

export interface TriggerFlags extends ClientFlags, TriggerValues {
  readonly follow: boolean;
  readonly cancelOnInterrupt?: boolean;
  readonly idempotencyKey?: string;
}

/** Starts an execution; follows its log to the end unless told otherwise. */
export async function triggerCommand(
  reference: string,
  flags: TriggerFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const pipelineId = await findPipeline(session.api, reference);
  const request = {
    method: 'POST',
    path: `/api/ci/pipelines/${pipelineId}/trigger`,
    body: { trigger_type: 'cli', ...triggerBody(flags) },
    // By the key the server knows a second request of ours again, so that a lost answer costs no
    // second execution.
    headers: { 'idempotency-key': flags.idempotencyKey ?? uuidV7() },
    repeatable: true,
  };
  const { value, json } = await session.api.read(request, accepted);
  const { execution_id: id, message } = value;
  if (flags.follow) return followTo(session, id, flags);
  if (session.json) {
    session.printJson(json);
    return exitCodes.success;
  }
  terminal.print(id);
  terminal.say(message);
  terminal.say(`Follow it: ${session.commandLine(`logs -f ${id}`)}`);
  return exitCodes.success;
}

/** The body of a trigger, without what was not said. */
export function triggerBody(values: TriggerValues): Record<string, unknown> {
  const { branch, tag, commit, repository, env, input } = values;
  return {
    ...(branch === undefined ? {} : { branch }),
    ...(tag === undefined ? {} : { tag }),
    ...(commit === undefined ? {} : { commit_hash: commit }),
    ...(repository === undefined ? {} : { repository }),
    ...(env === undefined ? {} : { environment: env }),
    ...(input === undefined ? {} : { inputs: input }),
  };
}

/** Follows an execution that was just accepted. */
export async function followTo(
  session: Session,
  id: string,
  flags: Pick<TriggerFlags, 'cancelOnInterrupt'>,
): Promise<number> {
  const { terminal, json } = session;
  const cancelOnInterrupt = flags.cancelOnInterrupt ?? false;
  terminal.say(`Execution ${id}`);
  const progress = new LiveProgress(terminal);
  const printer = new LogPrinter(terminal);
  return watchExecution(
    session,
    id,
    json ? quiet(terminal) : loud(terminal, progress, printer),
    { cancelOnInterrupt },
    (execution, document) => {
      printer.end();
      if (json) session.printJson(document);
      else progress.sum(execution, (command) => session.commandLine(command));
    },
  );
}

function loud(terminal: Terminal, progress: LiveProgress, printer: LogPrinter): FollowListener {
  return {
    ...quiet(terminal),
    onStatus: (execution) => progress.show(execution),
    onLines: (lines) => printer.print(lines),
  };
}

/** Tells of a lost connection and of nothing else. */
export function quiet(terminal: Terminal): FollowListener {
  return {
    onStatus: () => undefined,
    onLines: () => undefined,
    onLost: (why) => terminal.say(`Connection lost (${cleanText(why)}). Trying again…`),
    onBack: () => terminal.say('Connected again.'),
  };
}
