import { rulesOf, SECRET_EVENTS, type SecretRules, whyWithheld } from './secret-rules.js';

const ALL: SecretRules = { events: null, protected: false };

it('a secret of no rules is given to every run', () => {
  for (const event of [...SECRET_EVENTS, 'of_later']) {
    expect(whyWithheld(ALL, { event, unprotected: 'it is of a branch' })).toBeUndefined();
  }
});

it.each<[Partial<SecretRules>, string, string | undefined, string | undefined]>([
  [{ events: ['push', 'tag'] }, 'push', 'a branch', undefined],
  [{ events: ['push', 'tag'] }, 'tag', 'a branch', undefined],
  [{ events: ['push', 'tag'] }, 'pull_request', undefined, 'event'],
  [{ events: ['push', 'tag'] }, 'manual', undefined, 'event'],
  // Of executions of old versions.
  [{ events: ['push', 'tag'] }, 'rerun', undefined, 'event'],
  [{ events: ['manual'] }, 'cli', undefined, undefined],
  [{ events: ['cli'] }, 'cli', undefined, undefined],
  [{ events: ['cli'] }, 'manual', undefined, 'event'],
  [{ events: [] }, 'push', undefined, 'event'],
  [{ protected: true }, 'push', undefined, undefined],
  [{ protected: true }, 'push', 'a branch', 'protected'],
  [{ protected: true, events: ['push'] }, 'push', 'a branch', 'protected'],
  [{ protected: true, events: ['push'] }, 'tag', undefined, 'event'],
])('%j, a run of %s that is unprotected by %j: %j', (rules, event, unprotected, why) => {
  expect(whyWithheld({ ...ALL, ...rules }, { event, unprotected })).toBe(why);
});

it('what is stored without rules has none', () => {
  expect(rulesOf({})).toEqual(ALL);
  expect(rulesOf({ events: ['push'], protected: true })).toEqual({
    events: ['push'],
    protected: true,
  });
});
