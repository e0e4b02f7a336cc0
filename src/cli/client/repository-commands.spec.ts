import { WrittenTerminal } from '../../../test/support/written-text.js';
import type { ConnectedRepository } from '../api/wire-readers.js';
import { renderCheck, renderSettings, sayConnected } from './repository-commands.js';

const connected: ConnectedRepository = {
  id: '01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4b',
  forge: 'github',
  full_name: 'acme/shop',
  url: 'https://github.com/acme/shop',
  default_branch: 'main',
  has_token: true,
  webhook: 'made',
  webhook_reached_at: null,
  forks: 'approval',
  fork_approvers: [],
  report_skipped: false,
  protected_tags: [],
  problem: null,
  paste: null,
  why: null,
};

it('says that the webhook is made, and what to do next', () => {
  const written = sayTo(connected);
  expect(written.out()).toBe(
    `Connected acme/shop (${connected.id}).\nMillrace has made the webhook at the forge.\n`,
  );
  expect(written.err()).toContain('Push to main, then');
});

it('says what to paste, and why', () => {
  const paste = { url: 'https://ci.example.com/api/repositories/x/webhook', secret: 's-e-c' };
  const { out, err } = sayTo({ ...connected, has_token: false, paste, why: 'No rights.' });
  expect(out()).toContain('The webhook is not made. No rights.\n');
  expect(out()).toContain(`  URL     ${paste.url}\n  Secret  s-e-c\n`);
  expect(err()).toContain('No token is stored');
});

it('without PUBLIC_URL there is nothing to paste', () => {
  const { out } = sayTo({ ...connected, paste: { url: null, secret: 's-e-c' }, why: 'x' });
  expect(out()).toContain('Set PUBLIC_URL');
  expect(out()).not.toContain('s-e-c');
});

it('the settings say who approves', () => {
  expect(renderSettings(connected).join('\n')).toBe(
    `
acme/shop
  pull requests of other repositories   approval
  who approves them                     all who may approve
  tells the forge what was not needed   no
  protected tags                        none
`.trim(),
  );
  const changed = renderSettings({
    ...connected,
    fork_approvers: ['a', 'b'],
    report_skipped: true,
    protected_tags: ['v*', 'r{1,2}'],
  });
  expect(changed.slice(2)).toEqual([
    '  who approves them                     a, b',
    '  tells the forge what was not needed   yes',
    '  protected tags                        v* r{1,2}',
  ]);
});

it('a check says of each part whether it works', () => {
  const parts = [
    { part: 'forge', ok: false, state: 'fails', message: 'It does not answer.' },
    { part: 'webhook', ok: true, state: 'works', message: 'It is made.' },
    { part: 'deliveries', ok: true, state: 'not_seen', message: 'None has come yet.' },
  ];
  expect(renderCheck({ parts }, new WrittenTerminal().terminal)).toEqual([
    'forge       FAILS         It does not answer.',
    'webhook     works         It is made.',
    'deliveries  not seen yet  None has come yet.',
  ]);
});

it('a check of a server that knows no states is shown all the same', () => {
  const parts = [
    { part: 'webhook', ok: true, message: 'It is made.' },
    { part: 'deliveries', ok: false, message: 'None has come yet.' },
  ];
  expect(renderCheck({ parts }, new WrittenTerminal().terminal)).toEqual([
    'webhook     works  It is made.',
    'deliveries  FAILS  None has come yet.',
  ]);
});

function sayTo(value: ConnectedRepository): { out: () => string; err: () => string } {
  const written = new WrittenTerminal();
  sayConnected(value, written.terminal);
  return { out: () => written.out, err: () => written.err };
}
