import { isLoopbackHost } from './loopback.js';
import { configRows, type ConfigValues } from './config-variables.js';
import { ConfigError } from './config-error.js';
import type { ConfigProblem } from './config-problem.js';
import { readEnvironment, type Environment } from './environment.js';
import { loginProblems } from './login-problems.js';
import { MillraceConfig } from './millrace-config.js';
import { objectStoreProblems } from './object-store-problems.js';

export { ConfigError };

export type ConfigResult =
  | { readonly kind: 'valid'; readonly config: MillraceConfig }
  | { readonly kind: 'invalid'; readonly problems: readonly ConfigProblem[] };

/** Validates an environment; an empty value counts as unset. All problems are found at once. */
export function parseConfig(environment: Environment): ConfigResult {
  const problems: ConfigProblem[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, row] of configRows) {
    const text = environment[row.name]?.trim() ?? '';
    if (text === '') {
      values[key] = row.fallback();
      continue;
    }
    const parsed = row.kind.parse(text);
    if ('problem' in parsed) problems.push({ name: row.name, message: parsed.problem });
    else values[key] = parsed.value;
  }
  if (problems.length > 0) return { kind: 'invalid', problems };

  const typed = values as unknown as ConfigValues;
  const combined = combinationProblems(typed);
  if (combined.length > 0) return { kind: 'invalid', problems: combined };
  return { kind: 'valid', config: new MillraceConfig(typed) };
}

function combinationProblems(values: ConfigValues): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  if (values.authMode === 'none' && !isLoopbackHost(values.host)) {
    problems.push({
      name: 'AUTH_MODE',
      message:
        'cannot be none while HOST is not loopback: anyone who reaches the port could run commands; set HOST=127.0.0.1 or AUTH_MODE=token',
    });
  }
  if (values.liveLogSize > values.maxLogSize) {
    problems.push({ name: 'LIVE_LOG_SIZE', message: 'cannot be larger than MAX_LOG_SIZE' });
  }
  if (values.authMode === 'oauth') problems.push(...loginProblems(values));
  problems.push(...objectStoreProblems(values));
  if (values.smtpUrl !== undefined && values.smtpFrom === undefined) {
    problems.push({ name: 'SMTP_FROM', message: 'must be set with SMTP_URL' });
  }
  return problems;
}

/**
 * The configuration of this process, from its environment with `overrides` (command line flags) on
 * top.
 * @throws ConfigError with every problem
 */
export function loadConfig(overrides: Environment = {}): MillraceConfig {
  const result = parseConfig({ ...readEnvironment(), ...overrides });
  if (result.kind === 'invalid') throw new ConfigError(result.problems);
  return result.config;
}
