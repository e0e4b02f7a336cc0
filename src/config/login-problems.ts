import type { ConfigProblem } from './config-problem.js';
import type { ConfigValues } from './config-variables.js';
import { loginEntry, type LoginForge } from './login-values.js';

/** The forges that are configured for log-in, in the order of the documentation. */
export function configuredForges(
  values: Pick<
    ConfigValues,
    'githubClientId' | 'githubClientSecret' | 'giteaClientId' | 'giteaClientSecret'
  >,
): LoginForge[] {
  const forges: LoginForge[] = [];
  if (values.githubClientId !== undefined && values.githubClientSecret !== undefined) {
    forges.push('github');
  }
  if (values.giteaClientId !== undefined && values.giteaClientSecret !== undefined) {
    forges.push('gitea');
  }
  return forges;
}

/** What AUTH_MODE=oauth needs and is not there, or does not fit together. */
export function loginProblems(values: ConfigValues): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const add = (name: string, message: string): void => void problems.push({ name, message });
  const forges = configuredForges(values);
  if (forges.length === 0) {
    add(
      'AUTH_MODE',
      'cannot be oauth without a forge: set GITHUB_OAUTH_CLIENT_ID and GITHUB_OAUTH_CLIENT_SECRET, or those of GITEA',
    );
  }
  if (forges.includes('gitea') && values.giteaBaseUrl === undefined) {
    add('GITEA_BASE_URL', 'must be the address of your Gitea, such as https://git.example.org');
  }
  if (values.publicUrl === undefined) {
    add('PUBLIC_URL', 'must be set with AUTH_MODE=oauth: the forge leads people back to it');
  }
  if (values.adminLogins.length === 0 && values.token === undefined) {
    add(
      'ADMIN_LOGINS',
      'must name an administrator (or set MILLRACE_TOKEN): nobody becomes one by being the first',
    );
  }
  for (const [name, entries] of listsOf(values)) {
    for (const item of entries) {
      const { forge } = loginEntry(item);
      if (forge === undefined && forges.length > 1) {
        add(name, `"${item}" must say of which forge it is: github:${item} or gitea:${item}`);
      }
      if (forge !== undefined && !forges.includes(forge)) {
        add(name, `"${item}" is of a forge that is not configured`);
      }
    }
  }
  return problems;
}

function listsOf(values: ConfigValues): readonly (readonly [string, readonly string[]])[] {
  return [
    ['ADMIN_LOGINS', values.adminLogins],
    ['ALLOWED_LOGINS', values.allowedLogins],
    ['ALLOWED_ORGANIZATIONS', values.allowedOrganizations],
    ['ALLOWED_TEAMS', values.allowedTeams],
  ];
}
