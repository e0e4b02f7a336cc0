import { JwtService } from '@nestjs/jwt';
import { standIn } from '../../../test/support/stand-in.js';
import type { MillraceConfig } from '../../config/millrace-config.js';
import { SigningKey } from '../sessions/signing-key.js';
import { LoginStates, type BegunLogin } from './login-states.js';
import type { UsedOnce } from './used-once.repository.js';

const BEGUN: BegunLogin = { verifier: 'v', returnTo: 'https://ci.example.org/' };

/** A browser that keeps what it is told to keep. */
class Browser {
  readonly cookies = new Map<string, string>();

  get header(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  take(setCookies: readonly string[]): void {
    for (const cookie of setCookies) {
      const [, name = '', value = '', age] =
        /^([^=]+)=([^;]*); Path=\/; Max-Age=(\d+)/.exec(cookie) ?? [];
      if (age === '0') this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
  }
}

describe('states of log-ins', () => {
  let used: Set<string>;
  let browser: Browser;
  let states: LoginStates;

  const statesWith = (key: string): LoginStates =>
    new LoginStates(
      new JwtService({}),
      new SigningKey(key, '/nowhere'),
      standIn<UsedOnce>({
        take: async (text) => !used.has(text) && used.add(text) !== undefined,
      }),
      { publicUrl: 'https://ci.example.org' } as MillraceConfig,
    );
  const begin = (returnTo = BEGUN.returnTo): string => {
    const begun = states.begin('github', { ...BEGUN, returnTo }, browser.header);
    browser.take(begun.setCookies);
    return begun.state;
  };

  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });
    used = new Set();
    browser = new Browser();
    states = statesWith('a-key-of-the-server-of-this-spec-1');
  });
  afterEach(() => jest.useRealTimers());

  it('are good once, in their browser and at their forge', async () => {
    const state = begin();
    expect(await states.take('gitea', state, browser.header)).toBeUndefined();
    expect(await states.take('github', state, '')).toBeUndefined();
    expect(await states.take('github', `${state}x`, browser.header)).toBeUndefined();
    const replay = browser.header;
    expect(await states.take('github', state, browser.header)).toMatchObject(BEGUN);
    browser.take([states.clear(state)]);
    expect(browser.cookies.size).toBe(0);
    expect(await states.take('github', state, replay)).toBeUndefined();
  });

  it('are no longer good after ten minutes', async () => {
    const state = begin();
    jest.advanceTimersByTime(599_000);
    const copy = used;
    used = new Set();
    expect(await states.take('github', state, browser.header)).toBeDefined();
    used = copy;
    jest.advanceTimersByTime(2_000);
    expect(await states.take('github', state, browser.header)).toBeUndefined();
  });

  it('of one browser are ten at most, and do not disturb each other', async () => {
    const all: string[] = [];
    for (let number = 0; number < 12; number++) {
      all.push(begin(`https://ci.example.org/${number}`));
      jest.advanceTimersByTime(1_000);
    }
    expect(browser.cookies.size).toBe(10);
    const results: (string | undefined)[] = [];
    for (const state of all) {
      results.push((await states.take('github', state, browser.header))?.returnTo.slice(23));
    }
    const missing = [undefined, undefined];
    expect(results).toEqual([...missing, '2', '3', '4', '5', '6', '7', '8', '9', '10', '11']);
  });

  it('cannot be made without the key, nor put under another name', async () => {
    const mine = states;
    states = statesWith('a-key-of-another-server-of-this-spec');
    const foreign = begin();
    expect(await mine.take('github', foreign, browser.header)).toBeUndefined();
    states = mine;
    const [one, other] = [begin(), begin()];
    const [first = '', second = ''] = [...browser.cookies.keys()].slice(-2);
    const swapped = `${first}=${browser.cookies.get(second)}; ${second}=${browser.cookies.get(first)}`;
    expect(await states.take('github', one, swapped)).toBeUndefined();
    expect(await states.take('github', other, swapped)).toBeUndefined();
  });

  it('are taken from this very host only where there is TLS', () => {
    begin();
    expect([...browser.cookies.keys()][0]).toMatch(/^__Host-millrace_login_[0-9a-f]{16}$/);
  });
});
