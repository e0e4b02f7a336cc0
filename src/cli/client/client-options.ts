import type { Command } from 'commander';
import { wholeNumber } from '../command/option-values.js';

/** How a person names a pipeline. */
export const PIPELINE = 'id, beginning of an id, or name';
export const PIPELINE_VERSION = `${PIPELINE}; its version N by @N, else the current one`;
/** How a person names an execution. */
export const EXECUTION = 'pipeline#number, id, beginning of an id, or last (@) for the newest';
const LIST_LIMIT = 20;
const MAX_LIMIT = 200;

/** Takes the exit code of a command that is over. */
export type Done = (exitCode: number) => void;

/** Options of a list that comes in pages. */
export function addPageOptions(command: Command): Command {
  return command
    .option('--limit <number>', 'how many', wholeNumber(1, MAX_LIMIT), LIST_LIMIT)
    .option('--cursor <cursor>', 'continue where the page before ended');
}

/** Options of every command that talks to a server. */
export function addClientOptions(command: Command): Command {
  return command
    .option('--json', "the server's own JSON; errors too")
    .option('--server <url>', 'the server (MILLRACE_URL)')
    .option('--token <token>', 'the token (MILLRACE_TOKEN, which nobody else sees)')
    .option('--insecure', 'send the token over plain HTTP to another host');
}
