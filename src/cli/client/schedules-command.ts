import { type Schedules, schedules } from '../api/wire-readers.js';
import type { Moments } from '../terminal/moments.js';
import type { Terminal } from '../terminal/terminal.js';
import { findPipeline } from './find-pipeline.js';
import { type ClientFlags, Session } from './session.js';

/** When a pipeline starts by itself. */
export async function schedulesCommand(
  reference: string,
  flags: ClientFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const id = await findPipeline(session.api, reference);
  return session.show(`/api/ci/pipelines/${id}/schedules`, schedules, (value) => {
    if (value.items.length === 0) terminal.say('The pipeline has no schedule.');
    else for (const line of renderSchedules(value, terminal, session.moments)) terminal.print(line);
  });
}

/** Times are those of this machine: the zone of a rule says when, not how it is shown. */
export function renderSchedules(
  { starts, reason, items }: Schedules,
  terminal: Pick<Terminal, 'paint'>,
  moments: Moments,
): string[] {
  const dim = (text: string): string => terminal.paint('dim', text.padEnd(5));
  const now = starts
    ? terminal.paint('green', 'a tick starts an execution')
    : terminal.paint('yellow', `a tick starts nothing now: ${reason.message}`);
  return [
    now,
    ...items.flatMap(({ cron, timezone, catch_up: catchUp, next, last }) => [
      '',
      `${terminal.paint('bold', cron)}  ${timezone}${catchUp ? '' : '  catch_up: false'}`,
      ...next.map((at, index) => `  ${dim(index === 0 ? 'next' : '')} ${moments.local(at)}`),
      ...(last === null
        ? []
        : [
            `  ${dim('last')} ${moments.local(last.at)}  ${last.execution_id ?? 'started nothing'}: ${last.reason.message}`,
          ]),
    ]),
  ];
}
