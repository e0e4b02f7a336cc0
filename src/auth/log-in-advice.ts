import type { Reflector } from '@nestjs/core';
import type { MillraceError } from '../common/errors/millrace.error.js';
import type { ControllerRoute } from '../common/http/controller-routes.js';
import type { PageAction, PageAdvice } from '../common/http/error-page.js';
import { configuredForges } from '../config/login-problems.js';
import type { LoginForge } from '../config/login-values.js';
import type { MillraceConfig } from '../config/millrace-config.js';
import { returnAddress } from './oauth/return-to.js';
import { routeAccess } from './policy/route-access.js';

const FORGE_NAMES: Readonly<Record<LoginForge, string>> = { github: 'GitHub', gitea: 'Gitea' };

const FOR_PROGRAMS = 'This is for the command line and for programs, which send a token.';

/** Commands that show what is there; a commit status leads to an execution. */
const COMMANDS: readonly (readonly [RegExp, (id: string) => string])[] = [
  [/^\/api\/ci\/executions\/([0-9a-f-]{36})\/explain$/i, (id) => `explain ${id}`],
  [/^\/api\/ci\/executions\/([0-9a-f-]{36})\/(?:logs|events)$/i, (id) => `logs ${id}`],
  [/^\/api\/ci\/executions\/([0-9a-f-]{36})$/i, (id) => `status ${id}`],
  [/^\/api\/ci\/pipelines\/([0-9a-f-]{36})$/i, (id) => `pipelines get ${id}`],
  [/^\/api\/ci\/deliveries\/([0-9a-f-]{36})$/i, (id) => `deliveries show ${id}`],
];

/**
 * What a person can do whose browser has opened an address of the API without being known; nothing
 * of other errors.
 */
export function logInAdvice(
  config: Pick<MillraceConfig, 'authMode' | 'publicUrl'> & Parameters<typeof configuredForges>[0],
  reflector: Reflector,
): (
  error: Pick<MillraceError, 'kind'>,
  address: string,
  route: Partial<ControllerRoute> | undefined,
) => PageAdvice | undefined {
  return (error, address, { handler, controller } = {}) => {
    if (error.kind !== 'AuthenticationError' || !handler || !controller) return undefined;
    // Others are refused by what they carry, and say themselves what is wrong with it.
    const access = routeAccess(reflector, { handler, controller });
    if (typeof access === 'string' || access.kind === 'public') return undefined;
    const isForPeople = config.authMode === 'oauth';
    return {
      title: isForPeople ? 'You are not logged in.' : FOR_PROGRAMS,
      todo: [
        ...(isForPeople ? logIns(config, address) : []),
        ...onTheCommandLine(config, address, isForPeople),
      ],
    };
  };
}

/** One for each forge; each leads back to the address. */
function logIns(
  config: Pick<MillraceConfig, 'publicUrl'> & Parameters<typeof configuredForges>[0],
  address: string,
): PageAction[] {
  const { publicUrl = '' } = config;
  const back = returnAddress(address, publicUrl) !== undefined;
  const query = back ? `?return_to=${encodeURIComponent(address)}` : '';
  return configuredForges(config).map((forge) => ({
    text: `Log in with ${FORGE_NAMES[forge]}`,
    href: `${publicUrl}/api/sessions/oauth/${forge}${query}`,
  }));
}

function onTheCommandLine(
  { publicUrl = 'URL' }: Pick<MillraceConfig, 'publicUrl'>,
  address: string,
  isForPeople: boolean,
): PageAction[] {
  const path = address.split('?', 1)[0] ?? '';
  const commands = COMMANDS.flatMap(([pattern, command]) => {
    const [, id] = pattern.exec(path) ?? [];
    return id === undefined ? [] : [command(id.toLowerCase())];
  });
  const web = isForPeople ? ' --web' : '';
  return [
    ...commands.map((command) => ({
      text: 'See it on the command line:',
      command: `./millrace ${command}`,
    })),
    {
      text: isForPeople
        ? 'On another machine than that of the server, log in there first:'
        : 'On another machine than that of the server, give its token first (the file `token` of the data folder):',
      command: `./millrace login ${publicUrl}${web}`,
    },
  ];
}
