import { Reflector } from '@nestjs/core';
import type { ControllerRoute } from '../common/http/controller-routes.js';
import { logInAdvice } from './log-in-advice.js';
import { Public } from './policy/public.decorator.js';
import { Requires } from './policy/requires.decorator.js';

class Things {
  @Requires('executions:read')
  get(): void {}

  @Public()
  open(): void {}
}

const ID = '01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4b';
const EXECUTION = `/api/ci/executions/${ID}`;
const unknown = { kind: 'AuthenticationError' } as const;
const route = { controller: Things, handler: Reflect.get(Things.prototype, 'get') };
const none = {
  githubClientId: undefined,
  githubClientSecret: undefined,
  giteaClientId: undefined,
  giteaClientSecret: undefined,
};
const forPeople = {
  ...none,
  authMode: 'oauth',
  publicUrl: 'https://ci.example.com',
  githubClientId: 'a',
  githubClientSecret: 'b',
  giteaClientId: 'c',
  giteaClientSecret: 'd',
} as const;
const byToken = { ...none, authMode: 'token', publicUrl: undefined } as const;

function todo(
  config: typeof forPeople | typeof byToken,
  address: string,
): readonly { readonly href?: string; readonly command?: string }[] {
  return logInAdvice(config, new Reflector())(unknown, address, route)?.todo ?? [];
}

it('where people log in, each forge has a link that leads back', () => {
  const back = encodeURIComponent(`${EXECUTION}?a=1&b=2`);
  expect(todo(forPeople, `${EXECUTION}?a=1&b=2`)).toMatchObject([
    {
      text: 'Log in with GitHub',
      href: `https://ci.example.com/api/sessions/oauth/github?return_to=${back}`,
    },
    {
      text: 'Log in with Gitea',
      href: `https://ci.example.com/api/sessions/oauth/gitea?return_to=${back}`,
    },
    { command: `./millrace status ${ID}` },
    { command: './millrace login https://ci.example.com --web' },
  ]);
});

it.each(['//evil.example/x', '/\\evil.example', `/${'x'.repeat(1_000)}`, '/a\tb'])(
  'leads back to no page of somebody else: %j',
  (address) => {
    expect(todo(forPeople, address)[0]?.href).toBe(
      'https://ci.example.com/api/sessions/oauth/github',
    );
  },
);

it('where a token is asked for, the command is named', () => {
  expect(todo(byToken, EXECUTION).map(({ command }) => command)).toEqual([
    `./millrace status ${ID}`,
    './millrace login URL',
  ]);
});

it.each([
  [`${EXECUTION}/explain`, `explain ${ID}`],
  [`${EXECUTION}/logs?tail=1`, `logs ${ID}`],
  [`/api/ci/pipelines/${ID}`, `pipelines get ${ID}`],
  [`/api/ci/deliveries/${ID}`, `deliveries show ${ID}`],
  ['/api/ci/executions/$(reboot)', undefined],
  ['/api/workers', undefined],
])('%s is shown by the command %s', (address, command) => {
  const commands = todo(byToken, address).map((each) => each.command);
  expect(commands[0]).toBe(
    command === undefined ? './millrace login URL' : `./millrace ${command}`,
  );
});

it.each<[string, { readonly kind: 'AuthenticationError' | 'AuthorizationError' }, object]>([
  ['of who may not', { kind: 'AuthorizationError' }, route],
  [
    'of what refuses by itself',
    unknown,
    { ...route, handler: Reflect.get(Things.prototype, 'open') },
  ],
  ['of no route', unknown, {}],
])('says nothing of other errors: %s', (_name, error, of: Partial<ControllerRoute>) => {
  expect(logInAdvice(forPeople, new Reflector())(error, EXECUTION, of)).toBeUndefined();
});
