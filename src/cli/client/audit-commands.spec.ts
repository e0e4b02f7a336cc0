import { WrittenTerminal } from '../../../test/support/written-text.js';
import type { AuditRecord } from '../api/wire-readers.js';
import { auditVerify, renderRecords } from './audit-commands.js';

const record: AuditRecord = {
  seq: 12,
  at: '2026-05-04T03:02:01.007Z',
  actor: { kind: 'user', id: 'u-1', name: 'ada' },
  client: '192.0.2.7',
  action: 'pipelines.delete',
  target: { kind: 'pipeline', id: 'p-1', name: '' },
  outcome: 'success',
  reason: '',
};

describe('audit list', () => {
  it('shows who did what to what, and why it was refused', () => {
    const { terminal } = new WrittenTerminal();
    const refused = {
      ...record,
      seq: 13,
      actor: { kind: 'unknown', id: '', name: '' },
      target: { kind: 'repository', id: 'r-1', name: 'shop\u001b[2J' },
      outcome: 'refused',
      reason: 'bad_token',
    };
    const lines = renderRecords([record, refused], terminal).split('\n');
    expect(lines[1]).toMatch(
      /^ 12 .*ada .*192\.0\.2\.7 .*pipelines\.delete .*success .*pipeline p-1/,
    );
    expect(lines[2]).toMatch(/unknown .*refused: bad_token .*repository shop/);
    expect(lines[2]).not.toContain('\u001b');
  });
});

it('shows beginnings of ids at a terminal, and whole ids elsewhere', () => {
  const id = '01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4b';
  const target = { kind: 'pipeline', id, name: '' };
  const actor = { kind: 'user', id, name: '' };
  const { terminal } = new WrittenTerminal();
  const shown = (columns: number | undefined): string =>
    renderRecords([{ ...record, actor, target }], {
      columns,
      paint: (style, text) => terminal.paint(style, text),
    });
  expect(shown(90)).toContain('pipeline 01932f5e-9d10\n');
  expect(shown(80)).not.toContain('7c43');
  expect(shown(undefined)).toContain(`pipeline ${id}`);
});

describe('audit verify --since', () => {
  it.each(['12', '12:abc', 'x:y', ''])('refuses %p before it asks anybody', async (since) => {
    const { terminal } = new WrittenTerminal();
    const flags = { since, server: 'http://127.0.0.1:9', token: 'x' };
    await expect(auditVerify(flags, terminal)).rejects.toMatchObject({ exitCode: 2 });
  });
});
