import { type Worker, workers as everyWorker } from '../api/wire-readers.js';
import { exitCodes } from '../command/exit-codes.js';
import { paintStatus } from '../terminal/status-style.js';
import type { Terminal } from '../terminal/terminal.js';
import { renderTable } from '../terminal/text-table.js';
import { type ClientFlags, Session } from './session.js';

export interface WorkersFlags extends ClientFlags {
  readonly all?: boolean;
}

/** Workers that live; with `--all` also those that ended. */
export async function workersCommand(flags: WorkersFlags, terminal: Terminal): Promise<number> {
  const session = Session.open(flags, terminal);
  const request = { method: 'GET', path: '/api/workers' };
  const { value: all, json } = await session.api.read(request, everyWorker);
  if (session.json) {
    session.printJson(json);
    return exitCodes.success;
  }
  const workers = flags.all ? all : all.filter(isAlive);
  if (workers.length === 0) {
    terminal.say(
      'No worker lives: nothing runs. Start some: ./millrace worker, or ./millrace start',
    );
    return exitCodes.success;
  }
  terminal.print(renderWorkers(workers, session));
  return exitCodes.success;
}

export function renderWorkers(
  workers: readonly Worker[],
  { terminal, moments }: Pick<Session, 'terminal' | 'moments'>,
): string {
  return renderTable(
    workers,
    [
      { title: 'NAME', text: ({ name }) => name, narrow: 'name' },
      { title: 'HOST', text: ({ host }) => host, narrow: 'note' },
      {
        title: 'STATE',
        text: ({ status }) => status,
        paint: (text, { status }) => paintStatus(terminal, status, text),
      },
      {
        title: 'SLOTS',
        text: ({ running, concurrency }) => `${running}/${concurrency}`,
        align: 'right',
      },
      { title: 'LABELS', text: ({ labels }) => labels.join(','), narrow: 'note' },
      { title: 'VERSION', text: ({ version }) => version, narrow: 'note' },
      { title: 'LAST BEAT', text: ({ heartbeat_at }) => moments.ago(heartbeat_at) },
      { title: 'NOTE', text: noteOf, narrow: 'note' },
    ],
    terminal,
  );
}

function isAlive({ status }: Worker): boolean {
  return status === 'active' || status === 'draining';
}

function noteOf({ status, refusal, running, containers }: Worker): string {
  if (refusal) return `takes nothing: ${refusal.message}`;
  if (status === 'draining') return `drains, ${running} still run`;
  const why = containers?.reason ?? null;
  return why === null ? '' : `no containers: ${why}`;
}
