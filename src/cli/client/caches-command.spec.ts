import { WrittenTerminal } from '../../../test/support/written-text.js';
import type { Cache } from '../api/wire-readers.js';
import { renderTable } from '../terminal/text-table.js';
import { cacheColumns } from './caches-command.js';
import { Moments } from '../terminal/moments.js';

const PIPELINE = '01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4b';
const cache: Cache = {
  id: `${PIPELINE}-${'0f3a'.repeat(8)}`,
  key: `npm-linux-${'9d'.repeat(20)}`,
  ...{ scope: 'branch main', size: 123_456_789, used_at: '2026-01-31T12:00:00.000Z' },
};

it('shows at a terminal beginnings of ids, and whole keys below them', () => {
  const moments = new Moments(Date.parse('2026-01-31T12:03:00.000Z'), 'UTC');
  const { terminal } = new WrittenTerminal();
  const shown = (columns: number | undefined): string[] =>
    renderTable([cache], cacheColumns(moments, columns !== undefined), {
      columns,
      paint: (style, text) => terminal.paint(style, text),
    }).split('\n');
  expect(shown(80)[1]).toContain(`${PIPELINE}-0f3a0f3a  branch main`);
  expect(shown(80)[2]).toBe(`    key: ${cache.key}`);
  expect(shown(undefined)[1]).toContain(`${cache.id}  ${cache.key}`);
});
