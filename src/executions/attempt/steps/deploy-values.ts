import { nameRecord, valueOf } from '../../../common/values/name-record.js';
import type { DeploySsh, RoutedDeploy } from '../../../engine/steps/deploy/deploy-action.js';
import type { DeployLogin } from './deployer.js';

export type FoundLogin =
  (DeployLogin & { readonly kind: 'found' }) | { kind: 'missing'; name: string };

/** Who enters the other host, by the secrets that are named. */
export function loginOf(
  { key: keyName, knownHosts: known }: DeploySsh,
  secrets: Readonly<Record<string, string>>,
): FoundLogin {
  const key = valueOf(secrets, keyName);
  if (key === undefined) return { kind: 'missing', name: keyName };
  if ('text' in known) return { kind: 'found', key, knownHosts: known.text };
  const knownHosts = valueOf(secrets, known.secret);
  if (knownHosts === undefined) return { kind: 'missing', name: known.secret };
  return { kind: 'found', key, knownHosts };
}

export type FoundVariables =
  | { readonly kind: 'found'; readonly variables: Readonly<Record<string, string>> }
  | { readonly kind: 'missing'; readonly name: string };

/** Those that are written, with the secrets that are named. */
export function variablesOf(
  { variables: own, secrets: names }: Pick<RoutedDeploy, 'variables' | 'secrets'>,
  secrets: Readonly<Record<string, string>>,
): FoundVariables {
  const variables = new Map(Object.entries(own));
  for (const name of names) {
    const value = valueOf(secrets, name);
    if (value === undefined) return { kind: 'missing', name };
    variables.set(name, value);
  }
  return { kind: 'found', variables: nameRecord(variables) };
}
