import { MillraceError } from '../../common/errors/millrace.error.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import { mergedNames, type NameRecord } from '../../common/values/name-record.js';
import { plainRepositoryUrl } from '../../common/values/repository-url.js';
import type { CompiledPipeline } from '../../engine/compiler/compile-yaml.js';
import { resolveInputs } from '../../engine/inputs/resolve-inputs.js';
import type { RunContext, TriggerContext } from '../../engine/plan/plan.js';
import { assumedTrigger } from '../../pipelines/trigger-request/assumed-trigger.js';
import { triggerEnvironment } from '../../pipelines/trigger-request/trigger-environment.js';
import { assumedEventOf } from '../client/assumed-event.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import type { RunFlags } from '../command/flags.js';
import { readVariablesFile } from './secrets-file.js';
import type { GitCheckout } from './tree/git-checkout.js';

/**
 * What the command line says of a run, and the checkout that it begins with.
 *
 * @throws CommandError
 */
export async function runContext(
  { definition, plan }: CompiledPipeline,
  flags: RunFlags,
  checkout: GitCheckout | undefined,
): Promise<RunContext> {
  return {
    executionId: uuidV7(),
    pipelineId: uuidV7(),
    pipelineName: plan?.name ?? '',
    executionAttempt: 1,
    ...(checkout && plan?.repository && { repositoryUrl: plainUrl(plan.repository.url) }),
    trigger: triggerOf(flags, checkout),
    inputs: inputsOf(definition?.inputs ?? [], flags),
    environment: await environmentOf(flags),
  };
}

/** Undefined: only the run would know it. */
function plainUrl(url: string): string | undefined {
  return url.includes('${{') ? undefined : plainRepositoryUrl(url);
}

/** Where a tag is named, no branch is. */
function triggerOf(
  { event = 'cli', branch, tag }: RunFlags,
  checkout: GitCheckout | undefined,
): TriggerContext {
  const ofCheckout = tag === undefined ? checkout?.branch : undefined;
  const refs = { branch: branch ?? ofCheckout, tag, commit: checkout?.commit };
  return assumedTrigger(assumedEventOf({ event, ...refs })).context;
}

function inputsOf(
  inputs: Parameters<typeof resolveInputs>[0]['inputs'],
  { input = {} }: RunFlags,
): RunContext['inputs'] {
  const resolved = resolveInputs({ inputs }, input);
  if (resolved.problems.length === 0) return resolved.inputs;
  const lines = resolved.problems.map(({ message, suggestion }) =>
    `${message} ${suggestion ?? ''}`.trimEnd(),
  );
  throw new CommandError(lines.join('\n'), exitCodes.usage);
}

/** What stands on the command line wins over the file. */
async function environmentOf({ env = {}, envFile }: RunFlags): Promise<NameRecord<string>> {
  const ofFile = envFile === undefined ? {} : await readVariablesFile(envFile);
  try {
    return triggerEnvironment(mergedNames(ofFile, env));
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    const { details, suggestions = [] } = error;
    const problems = (details ?? []) as readonly { readonly message?: string }[];
    const [first, ...more] = problems.map(({ message = '' }) => message);
    const rest = more.length === 0 ? '' : ` (and ${more.length} more)`;
    throw new CommandError(`${first ?? error.message}${rest}`, exitCodes.usage, suggestions);
  }
}
