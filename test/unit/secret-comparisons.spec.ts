import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const root = join(__dirname, '../..');

/** Who compares a secret, or what is made from one, with what somebody sent; and how often. */
const COMPARING: Readonly<Record<string, number>> = {
  'src/auth/oauth/cli-login-codes.ts': 1,
  'src/auth/principals/authenticator.ts': 1,
  'src/auth/sessions/refresh-tokens.ts': 1,
  'src/auth/sessions/session-cookies.ts': 1,
  'src/auth/sessions/sessions.service.ts': 1,
  'src/auth/tokens/token-text.ts': 1,
  'src/integrations/forge/webhooks/signatures.ts': 2,
  'src/integrations/git/checked-proxy.ts': 1,
  'src/triggers/pipeline-webhooks/webhook-signature.ts': 1,
};

/** Where secrets are handled. */
const PLACES =
  /^src\/(auth|integrations\/forge\/webhooks|triggers\/(deliveries|pipeline-webhooks))\//;
const SECRET = /secret|token|digest|hash|hmac|signature|password|verifier|challenge|csrf|state\b/i;

/** Comparisons of such names that tell nobody anything. */
const HARMLESS = [
  // Both are sealed texts of the database.
  'src/auth/users/access-check.ts: now.forge_tokens === user.forge_tokens',
  'src/triggers/pipeline-webhooks/pipeline-webhooks.repository.ts: (await this.find(_id))?.secret === webhook.secret',
  // The cookie was found by the state, and its signature is good.
  'src/auth/oauth/login-states.ts: claims.state !== state',
  // Roles; the token itself was compared before.
  'src/auth/tokens/stored-token.authenticator.ts: (await this.principalOf(token))?.role === role',
];

const files = globSync('src/**/*.ts', { cwd: root })
  .filter((file) => !/\.(spec|fixture)\.ts$/.test(file))
  .map((file) => ({ file, source: readFileSync(join(root, file), 'utf8') }));

const EQUALITY: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.EqualsEqualsToken,
  ts.SyntaxKind.EqualsEqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsToken,
  ts.SyntaxKind.ExclamationEqualsEqualsToken,
]);

/** Of a source: where it asks whether two values are the same, neither of which it names itself. */
function comparisons(source: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isBinaryExpression(node) && EQUALITY.has(node.operatorToken.kind)) {
      if (!isConstant(node.left) && !isConstant(node.right)) found.push(oneLine(node));
    } else if (
      ts.isCallExpression(node) &&
      ts.isPropertyAccessExpression(node.expression) &&
      /^(equals|compare|localeCompare|isDeepStrictEqual|is)$/.test(node.expression.name.text)
    ) {
      found.push(oneLine(node));
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('source.ts', source, ts.ScriptTarget.Latest, true));
  return found;
}

function isConstant(node: ts.Expression): boolean {
  if (ts.isPropertyAccessExpression(node)) return node.name.text === 'length';
  return (
    ts.isLiteralExpression(node) ||
    ts.isTypeOfExpression(node) ||
    /^(undefined|null|true|false|-?\d+)$/.test(oneLine(node))
  );
}

function oneLine(node: ts.Node): string {
  return node.getText().replace(/\s+/g, ' ');
}

describe('secrets are compared in a time that tells nothing of them', () => {
  it('by all who compare one, and by nobody who is not in this list', () => {
    const calls = files
      .map(({ file, source }) => [file, source.match(/\btimingSafeEqual\(/g)?.length ?? 0] as const)
      .filter(([, count]) => count > 0);
    expect(Object.fromEntries(calls)).toEqual(COMPARING);
  });

  it('and in no other way by the same files', () => {
    const other = files
      .filter(({ file }) => file in COMPARING)
      .flatMap(({ source }) => comparisons(source));
    // A session is found by its id; whose it is, is no secret.
    expect(other).toEqual(['session?.user_id !== userId']);
  });

  it('and in no other way where secrets are handled', () => {
    const other = files
      .filter(({ file }) => PLACES.test(file))
      .flatMap(({ file, source }) => comparisons(source).map((text) => `${file}: ${text}`))
      .filter((text) => SECRET.test(text.slice(text.indexOf(': '))));
    expect(other.sort()).toEqual([...HARMLESS].sort());
  });

  it.each([
    ['a === b', 1],
    ['a.equals(b)', 1],
    ['Buffer.compare(a, b) === 0', 1],
    ["a === '' || b !== undefined || a.length === b.length", 0],
  ])('finds in %j so many: %d', (source, count) => {
    expect(comparisons(source)).toHaveLength(count);
  });
});
