import { type LeasedPort, ports, type Ports } from '../api/wire-readers.js';
import { cleanText } from '../terminal/clean-text.js';
import { paintStatus } from '../terminal/status-style.js';
import type { Terminal } from '../terminal/terminal.js';
import { renderTable } from '../terminal/text-table.js';
import type { PageFlags } from './list-page.js';
import { Session } from './session.js';

/** Ports that are given to what is deployed, and those that are not, with the reason. */
export async function portsCommand(
  { limit, cursor, ...flags }: PageFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const asked = new URLSearchParams({ limit: String(limit) });
  if (cursor !== undefined) asked.set('cursor', cursor);
  return session.show(`/api/ports?${asked.toString()}`, ports, (value) => {
    const { range, items, next_cursor: next } = value;
    if (items.length > 0) terminal.print(renderPorts(items, session));
    else terminal.say(`No port is given. PORT_RANGE is ${range.from}-${range.to}.`);
    for (const line of skippedLines(value)) terminal.say(line);
    if (next !== null) terminal.say(`More: --cursor ${cleanText(next)}`);
  });
}

export function renderPorts(
  leased: readonly LeasedPort[],
  { terminal, moments }: Pick<Session, 'terminal' | 'moments'>,
): string {
  return renderTable(
    leased,
    [
      { title: 'PORT', text: ({ port }) => String(port), align: 'right' },
      { title: 'HOST', text: ({ host }) => host, narrow: 'note' },
      { title: 'SERVICE', text: ({ owner }) => owner.service, narrow: 'name' },
      { title: 'RELEASE', text: releaseOf, narrow: 'note' },
      { title: 'NAME', text: ({ name }) => name, narrow: 'name' },
      {
        title: 'STATE',
        text: ({ state }) => state,
        paint: (text, { state }) => paintStatus(terminal, state, text),
      },
      { title: 'SINCE', text: ({ since }) => moments.ago(since) },
      { title: 'NOTE', text: ({ reason }) => reason ?? '', narrow: 'note' },
    ],
    terminal,
  );
}

export function skippedLines({ skipped }: Pick<Ports, 'skipped'>): string[] {
  return skipped.map(({ from, to, host, reason }) => {
    const which = from === to ? `Port ${from}` : `Ports ${from}-${to}`;
    return `${which} of ${host}: skipped, ${reason}.`;
  });
}

function releaseOf({ owner: { release, instance } }: LeasedPort): string {
  return instance === null ? release : `${release} (${instance})`;
}
