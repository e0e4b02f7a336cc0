import { ForgeStandIn } from '../../../test/support/forge-stand-in.js';
import { AddressPolicy } from '../../common/net/address-policy.js';
import { CheckedHttp } from '../../common/net/checked-http.js';
import type { Forge } from './forge.js';
import { giteaRest, githubRest } from './rest-dialects.js';
import { forgeErrorOf, RestForge } from './rest-forge.js';

const sha = (digit: string): string => digit.repeat(40);

describe('RestForge', () => {
  let standIn: ForgeStandIn;
  const forge = (token: string | undefined = standIn.token, allowed = ['127.0.0.0/8']): Forge => {
    const http = new CheckedHttp(new AddressPolicy(allowed), {
      timeoutMs: 5000,
      maxBytes: 100_000,
    });
    return new RestForge(githubRest, { kind: 'github', apiUrl: standIn.apiUrl, token }, http);
  };

  beforeEach(async () => {
    const cloneUrl = 'https://forge.test/acme/shop.git';
    standIn = await ForgeStandIn.start({
      id: 4711,
      fullName: 'acme/shop',
      cloneUrl,
      defaultBranch: 'trunk',
    });
  });

  afterEach(() => standIn.stop());

  it('tells of a repository, by name and by id', async () => {
    const expected = {
      id: '4711',
      fullName: 'acme/shop',
      cloneUrl: 'https://forge.test/acme/shop.git',
      defaultBranch: 'trunk',
      canAdminister: true,
    };
    expect(await forge().repositoryNamed('acme/shop')).toMatchObject(expected);
    expect(await forge().repository('4711')).toMatchObject(expected);
  });

  it('a name cannot lead to another path', async () => {
    const refused = forge().repositoryNamed('acme/../../user');
    await expect(refused).rejects.toMatchObject({ code: 'not_found' });
  });

  it('makes a webhook once, and brings it up to date', async () => {
    const wanted = { url: 'https://ci.test/hook', secret: 'one' };
    const id = await forge().ensureWebhook('acme/shop', wanted);
    expect(await forge().ensureWebhook('acme/shop', { ...wanted, secret: 'two' })).toBe(id);
    expect(standIn.webhooks).toEqual([{ id: Number(id), url: wanted.url, secret: 'two' }]);
  });

  it('makes a new webhook in the place of one at Gitea, which keeps the first secret of each', async () => {
    const http = new CheckedHttp(new AddressPolicy(['127.0.0.0/8']), {
      timeoutMs: 5000,
      maxBytes: 100_000,
    });
    const access = { kind: 'gitea', apiUrl: standIn.apiUrl, token: standIn.token } as const;
    const gitea = new RestForge(giteaRest, access, http);
    const wanted = { url: 'https://ci.test/hook', secret: 'one' };
    const first = await gitea.ensureWebhook('acme/shop', wanted);
    const second = await gitea.ensureWebhook('acme/shop', { ...wanted, secret: 'two' });
    expect(second).not.toBe(first);
    expect(standIn.webhooks).toEqual([{ id: Number(second), url: wanted.url, secret: 'two' }]);
  });

  it('removes all but one where two processes have made one each', async () => {
    const hook = { url: 'https://ci.test/hook', secret: 's' };
    standIn.webhooks.push({ id: 91, ...hook }, { id: 92, ...hook });
    await forge().ensureWebhook('acme/shop', hook);
    expect(standIn.webhooks.map(({ id }) => id)).toEqual([91]);
  });

  it('removes a webhook, and one that is not there', async () => {
    const id = await forge().ensureWebhook('acme/shop', { url: 'https://x.test', secret: 's' });
    await forge().removeWebhook('acme/shop', id);
    await forge().removeWebhook('acme/shop', id);
    expect(standIn.webhooks).toEqual([]);
  });

  it('sets a status with at most 140 characters, and lists heads', async () => {
    await forge().setStatus('acme/shop', sha('a'), {
      context: 'millrace/shop',
      state: 'success',
      description: 'x'.repeat(200),
    });
    expect(standIn.statuses).toEqual([
      {
        commit: sha('a'),
        context: 'millrace/shop',
        state: 'success',
        description: 'x'.repeat(140),
      },
    ]);
    standIn.heads.set('trunk', sha('b'));
    expect(await forge().heads('acme/shop')).toEqual(new Map([['trunk', sha('b')]]));
  });

  it('has deliveries sent again that have failed since, three times at most', async () => {
    const hook = { url: 'http://127.0.0.1:9', secret: 's' };
    const id = await forge().ensureWebhook('acme/shop', hook);
    const since = new Date('2026-06-15T12:00:00Z');
    const attempt = (guid: string, status: number, ms = 1000): void => {
      const number = String(2n ** 60n + BigInt(standIn.sent.length));
      const at = new Date(since.getTime() + ms);
      standIn.sent.unshift({ id: number, guid, event: 'push', payload: {}, at, status });
    };
    attempt('good', 202);
    attempt('old', 0, -1000);
    attempt('lost', 0);
    attempt('lost', 503);
    for (let times = 0; times < 3; times++) attempt('hopeless', 401);
    attempt('repaired', 500);
    attempt('repaired', 202);
    const before = standIn.sent.length;
    expect(await forge().redeliverFailed('acme/shop', id, since)).toBe(1);
    const again = standIn.sent.slice(0, standIn.sent.length - before);
    expect(again.map(({ guid }) => guid)).toEqual(['lost']);
    // Gitea keeps no such list.
    const http = new CheckedHttp(new AddressPolicy(['127.0.0.0/8']), {
      timeoutMs: 5000,
      maxBytes: 100_000,
    });
    const access = { kind: 'gitea', apiUrl: standIn.apiUrl, token: standIn.token } as const;
    const gitea = new RestForge(giteaRest, access, http);
    expect(await gitea.redeliverFailed('acme/shop', id, since)).toBe(0);
  });

  it('says what a refusal means, without what the forge said', async () => {
    await expect(forge('wrong').repository('1')).rejects.toMatchObject({ code: 'unauthorized' });
    await expect(forge().repository('9')).rejects.toMatchObject({ code: 'not_found' });
    await expect(forge(undefined, []).repository('1')).rejects.toMatchObject({ code: 'refused' });
    standIn.refusal = {
      status: 403,
      headers: { 'x-ratelimit-remaining': '0', 'retry-after': '7' },
    };
    await expect(forge().repository('1')).rejects.toMatchObject({
      code: 'rate_limited',
      retryAfterMs: 7000,
    });
  });

  it.each<[number, Record<string, string>, string, string]>([
    [403, {}, '', 'forbidden'],
    [301, { location: '/api/v1/repos/acme/store' }, '', 'moved'],
    [403, {}, 'You have exceeded a secondary rate limit', 'rate_limited'],
    [429, {}, '', 'rate_limited'],
    [422, {}, '', 'refused'],
    [500, {}, '', 'unreachable'],
    [410, {}, '', 'not_found'],
  ])('%i %j %j', (status, headers, body, code) => {
    expect(forgeErrorOf({ status, headers, body }).code).toBe(code);
  });
});
