import { Moments } from '../terminal/moments.js';
import type { EnvironmentPage } from '../api/wire-readers.js';
import { renderEnvironment } from './approval-commands.js';

const moments = new Moments(Date.parse('2026-01-31T12:03:00.000Z'), 'Europe/Berlin');
const page: EnvironmentPage = {
  ...{ name: 'production', configured: true, deployers: { users: ['ada'], roles: ['admin'] } },
  ...{ approvers: { users: ['grace'], roles: [] }, required: 2, wait: 600, branches: ['main'] },
  allow_self: false,
  services: [
    {
      ...{ name: 'shop', release: 3, commit: 'abc', since: '2026-01-31T12:00:00.000Z' },
      waiting: [
        {
          ...{ deployment_id: 'd1', kind: 'deploy', status: 'waiting' },
          reason: { code: 'approval_needed', message: 'one \u001b[31mis missing' },
        },
      ],
    },
    { name: 'api', release: null, commit: null, since: null, waiting: [] },
  ],
};

it('shows the rules of an environment, what serves there, and what waits', () => {
  const lines = renderEnvironment(page, { moments });
  expect(lines.join('')).not.toContain('\u001b');
  expect(lines).toEqual([
    'production',
    '  deployers  ada, role admin',
    '  branches   main',
    '  approvals  2, by grace',
    '  wait       10 min 0 s',
    '  shop: release 3, abc, since 3 min ago',
    expect.stringMatching(/^ {4}deploy d1 waiting: one .*is missing$/),
    '  api: nothing serves',
  ]);
});

it('says that there are no limits', () => {
  const open = {
    ...page,
    configured: false,
    deployers: null,
    branches: null,
    required: 0,
    wait: 0,
  };
  expect(renderEnvironment({ ...open, services: [] }, { moments })).toEqual([
    'production: no limits',
    '  deployers  all',
    '  branches   all',
    '  approvals  none',
    '  wait       none',
  ]);
});
