import { ServerResponse } from 'node:http';
import { Controller, Get, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import request from 'supertest';
import { configureHttp } from '../common/http/configure-http.js';
import { createRootLogger } from '../common/logging/root-logger.js';
import { Metrics } from '../common/metrics/metrics.js';
import { ConfigModule } from '../config/config.module.js';
import { parseConfig } from '../config/load-config.js';
import { MemorySharedCounts } from '../integrations/rate-limit/memory-shared-counts.js';
import { RateLimitModule } from '../integrations/rate-limit/rate-limit.module.js';
import { RateLimits } from '../integrations/rate-limit/rate-limits.js';
import { GuardOnlyModule } from './auth.fixture.js';
import { Public, PublicIf } from './policy/public.decorator.js';
import { Requires } from './policy/requires.decorator.js';
import { authenticateWith } from './principals/authenticate.middleware.js';
import { Authenticator } from './principals/authenticator.js';
import { PrincipalWatch } from './principals/principal-watch.js';
import { principalOf, type SessionCredential } from './principals/principal.js';
import { SessionCookies } from './sessions/session-cookies.js';
import { standIn } from '../../test/support/stand-in.js';

const viewer = { id: 'vera', kind: 'user', role: 'viewer' } as const;
const developer = { id: 'dora', kind: 'user', role: 'developer' } as const;
const principals = new Map([
  ['viewer', principalOf(viewer)],
  ['developer', principalOf(developer)],
  ['narrow', principalOf(developer, ['executions:read'])],
  ['page', principalOf({ ...developer, credential: session('cookie') })],
  ['client', principalOf({ ...developer, credential: session('access_token') })],
]);

function session(by: SessionCredential['by']): SessionCredential {
  return { kind: 'session', id: 'the-session', by };
}

@Requires('executions:cancel')
@Controller('things')
class ThingController {
  @Get('cancel')
  cancel(): string {
    return 'done';
  }

  @Get('read')
  @Requires('executions:read')
  read(): string {
    return 'read';
  }

  @Post('change')
  change(): string {
    return 'changed';
  }

  @Post('open')
  @Public()
  changeOpen(): string {
    return 'changed';
  }

  @Get('open')
  @Public()
  open(): string {
    return 'open';
  }

  @Get('opened')
  @Requires('workers:drain')
  @PublicIf({ when: 'with a header', isOpen: ({ headers }) => headers['x-open'] === 'yes' })
  opened(): string {
    return 'opened';
  }
}

@Controller('bare')
class BareController {
  @Get()
  bare(): string {
    return 'bare';
  }
}

@Controller('both')
class BothController {
  @Get()
  @Public()
  @Requires('executions:read')
  both(): string {
    return 'both';
  }
}

@Controller('opened')
class OpenedController {
  @Get()
  @PublicIf({ when: 'always', isOpen: () => true })
  opened(): string {
    return 'opened';
  }
}

/** `Authorization` names one of the principals. */
const authenticator = standIn<Authenticator>({
  identify: async ({ authorization }) => principals.get(authorization ?? ''),
  isStillGood: async () => true,
});

async function create(...controllers: (new () => object)[]): Promise<NestExpressApplication> {
  return createWith({}, controllers);
}

async function createWith(
  environment: Readonly<Record<string, string>>,
  controllers: (new () => object)[],
): Promise<NestExpressApplication> {
  const parsed = parseConfig({
    MILLRACE_TOKEN: 'a-token-of-a-fair-length',
    JWT_SECRET: 'a-key-of-the-server-of-this-spec-1',
    RATE_LIMIT: '0',
    ...environment,
  });
  if (parsed.kind === 'invalid') throw new Error(JSON.stringify(parsed.problems));
  const { config } = parsed;

  @Module({ controllers })
  class Root {}

  const app = await NestFactory.create<NestExpressApplication>(
    {
      module: Root,
      imports: [
        ConfigModule.forRoot(config),
        RateLimitModule.over(new MemorySharedCounts()),
        GuardOnlyModule.forRoot(authenticator),
      ],
    },
    { logger: false, bodyParser: false, abortOnError: false },
  );
  configureHttp(app, {
    config,
    logger: createRootLogger({ level: 'silent', role: 'test' }),
    limiters: app.get(RateLimits),
    metrics: new Metrics(),
    authenticate: authenticateWith(authenticator),
    translators: [],
  });
  return app;
}

describe('AuthGuard', () => {
  let app: NestExpressApplication;
  beforeAll(async () => {
    app = await create(ThingController);
    await app.listen(0, '127.0.0.1');
  });
  afterAll(() => app.close());

  const ask = (path: string, who?: string): request.Test => {
    const sent = request(app.getHttpServer()).get(`/api/things/${path}`);
    return who === undefined ? sent : sent.set('authorization', who);
  };

  it('takes whoever has the scope; the method goes before its class', async () => {
    await ask('cancel', 'developer').expect(200);
    await ask('read', 'viewer').expect(200);
  });

  it('401 for whoever is not known', async () => {
    expect((await ask('cancel')).body.error).toBe('AuthenticationError');
    await ask('cancel', 'nobody').expect(401);
  });

  describe('with the cookie of a browser', () => {
    const send = (path: string, who: string, csrf?: string): request.Test => {
      const sent = request(app.getHttpServer()).post(`/api/things/${path}`);
      if (csrf !== undefined) sent.set('x-csrf-token', csrf);
      return sent.set('authorization', who);
    };

    it('lets whoever is known by it read', async () => {
      await ask('read', 'page').expect(200);
    });

    it.each(['change', 'open'])(
      'asks for the text that only its own page has: %s',
      async (path) => {
        const good = app.get(SessionCookies).csrfToken('the-session');
        const ofAnother = app.get(SessionCookies).csrfToken('another-session');
        for (const bad of [undefined, '', ofAnother]) {
          expect((await send(path, 'page', bad).expect(403)).body.details.code).toBe('csrf');
        }
        await send(path, 'page', good).expect(201);
      },
    );

    it('asks nobody for it who has a token', async () => {
      await send('change', 'client').expect(201);
      await send('change', 'developer').expect(201);
    });
  });

  it('403 says which scope is missing and who could give it', async () => {
    const { body } = await ask('cancel', 'viewer').expect(403);
    expect(body).toEqual({
      error: 'AuthorizationError',
      message: 'This needs the scope executions:cancel.',
      details: {
        code: 'scope_missing',
        required_scope: 'executions:cancel',
        role: 'viewer',
        roles_with_scope: ['developer', 'admin', 'service_account'],
      },
      suggestions: [
        'Your role viewer does not have this scope: ask an administrator for the role developer or admin.',
      ],
      timestamp: expect.any(String),
    });
  });

  it('403 of a token that is narrower than its role says so', async () => {
    const { body } = await ask('cancel', 'narrow').expect(403);
    expect(body.suggestions).toEqual([expect.stringContaining('but your token does not')]);
    await ask('read', 'narrow').expect(200);
  });

  it('has the answer end when who reads it may no longer, and watches no one whom it refuses', async () => {
    const watch = jest.spyOn(app.get(PrincipalWatch), 'watch');
    await ask('read').expect(401);
    await ask('cancel', 'viewer').expect(403);
    expect(watch).not.toHaveBeenCalled();
    await ask('read', 'client').expect(200);
    expect(watch.mock.calls).toEqual([[principals.get('client'), expect.any(ServerResponse)]]);
    watch.mockRestore();
  });

  it('takes everybody where the route is public, and where it is opened', async () => {
    await ask('open').expect(200);
    await ask('opened').expect(401);
    await ask('opened', 'developer').expect(403);
    await ask('opened').set('x-open', 'yes').expect(200);
    await ask('opened', 'developer').set('x-open', 'yes').expect(200);
  });
});

describe('USER_LIMIT', () => {
  let app: NestExpressApplication;
  beforeAll(async () => {
    app = await createWith({ USER_LIMIT: '2', TRUST_PROXY: '1' }, [ThingController]);
    await app.listen(0, '127.0.0.1');
  });
  afterAll(() => app.close());

  it('holds for an account, from all addresses and with all tokens, and for no other', async () => {
    const read = (who: string, from: string): request.Test =>
      request(app.getHttpServer())
        .get('/api/things/read')
        .set({ authorization: who, 'x-forwarded-for': from });
    await read('developer', '192.0.2.1').expect(200);
    await read('narrow', '192.0.2.2').expect(200);
    await read('client', '192.0.2.3').expect(429);
    await read('viewer', '192.0.2.3').expect(200);
  });
});

describe('a route that does not say who may call it', () => {
  it.each([
    [BareController, 'BareController.bare (/api/bare): it has neither @Requires nor @Public()'],
    [BothController, 'BothController.both (/api/both): @Public() stands beside @Requires'],
    [OpenedController, 'OpenedController.opened (/api/opened): @PublicIf stands without @Requires'],
  ])('keeps the application from starting: %p', async (controller, problem) => {
    const app = await create(ThingController, controller);
    await expect(app.listen(0, '127.0.0.1')).rejects.toThrow(problem);
    await app.close();
  });
});
