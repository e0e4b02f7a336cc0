import { ModulesContainer, Reflector } from '@nestjs/core';
import request from 'supertest';
import { ApiUnderTest } from '../../test/support/api-under-test.js';
import { accessMatrix, mayCall, type MatrixRow } from '../auth/policy/access-matrix.js';
import { ROLES, SCOPES_OF_ROLE, type Scope } from '../auth/policy/policy.js';
import { Authenticator, type Credentials } from '../auth/principals/authenticator.js';
import { principalOf, type Principal } from '../auth/principals/principal.js';
import { uuidV7 } from '../common/ids/uuid.js';
import { controllerRoutes } from '../common/http/controller-routes.js';

/** `Bearer ROLE`, or `Bearer ROLE-SCOPE`: that role without the scope. */
async function testPrincipal({ authorization }: Credentials): Promise<Principal | undefined> {
  const name = authorization?.replace('Bearer ', '') ?? '';
  const role = ROLES.find((each) => name === each || name.startsWith(`${each}-`));
  if (role === undefined) return undefined;
  const without = name.slice(role.length + 1);
  const scopes = SCOPES_OF_ROLE[role].filter((scope) => scope !== without);
  return principalOf({ id: name, kind: 'token', role }, scopes);
}

/** What the server makes of a request: kept out, or let in whatever then comes of it. */
type Outcome = '401' | '403' | 'in';

describe('every operation, asked by every role', () => {
  let api: ApiUnderTest;
  let matrix: MatrixRow[];

  beforeAll(async () => {
    api = await ApiUnderTest.start({ RATE_LIMIT: '0', AUTH_FAILURE_LIMIT: '0', TRUST_PROXY: '1' });
    matrix = accessMatrix(new Reflector(), controllerRoutes(api.app.get(ModulesContainer)));
    jest.spyOn(api.app.get(Authenticator), 'identify').mockImplementation(testPrincipal);
  });
  afterAll(async () => {
    jest.restoreAllMocks();
    await api.stop();
  });

  const ask = async ({ method, path }: MatrixRow, who: string | undefined): Promise<Outcome> => {
    const filled = path.replace(':version', '1').replace(/:\w+/g, uuidV7());
    const agent = request(api.app.getHttpServer());
    const sent = agent[method.toLowerCase() as 'get'](filled)
      // Not from the machine itself.
      .set('x-forwarded-for', '192.0.2.1');
    if (who !== undefined) sent.set('authorization', `Bearer ${who}`);
    const { status, body } = await sent;
    // Their signature decides, and of nobody's repository there is none that is good.
    if (status === 401 && path.endsWith('/webhook')) return 'in';
    // What they carry decides, and here they carry nothing.
    if (status === 401 && path.startsWith('/api/sessions/oauth/')) return 'in';
    if (status === 401) return '401';
    if (status !== 403) return 'in';
    expect(body.details.code).toBe('scope_missing');
    return '403';
  };
  const outcomes = async (
    who: string | undefined,
    expected: (row: MatrixRow) => Outcome,
  ): Promise<void> => {
    const told: string[] = [];
    const wanted: string[] = [];
    for (const row of matrix) {
      told.push(`${row.method} ${row.path}: ${await ask(row, who)}`);
      wanted.push(`${row.method} ${row.path}: ${expected(row)}`);
    }
    expect(told).toEqual(wanted);
  };

  it.each([undefined, 'nobody'])('keeps out whoever is not known: %p', async (who) => {
    await outcomes(who, ({ access }) => (access.kind === 'public' ? 'in' : '401'));
  });

  it.each(ROLES)('lets a %s in as the matrix says', async (role) => {
    await outcomes(role, (row) => (mayCall(row, role) ? 'in' : '403'));
  });

  it('asks for the very scope that the matrix names', async () => {
    const scopes = new Set(
      matrix.flatMap(({ access }) => (access.kind === 'scope' ? [access.scope] : [])),
    );
    for (const scope of scopes) {
      await outcomes(`admin-${scope}`, (row) => (isOf(row, scope) ? '403' : 'in'));
    }
  });
});

function isOf({ access }: MatrixRow, scope: Scope): boolean {
  return access.kind === 'scope' && access.scope === scope;
}
