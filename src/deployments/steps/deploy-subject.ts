import { quoted } from '../../common/values/redact-urls.js';
import { causeOf } from '../../environments/approval.js';
import type { RunContext } from '../../engine/plan/plan.js';
import type { DeployAction } from '../../engine/steps/deploy/deploy-action.js';
import { isServiceName } from '../../engine/steps/deploy/service-name.js';
import {
  type DeployFindings,
  type DeploySubject,
  type StepFiles,
  StepFilesError,
} from '../../executions/attempt/steps/deployer.js';
import type {
  ApprovedFiles,
  Deployment,
  DeploySettings,
  TargetSettings,
} from '../record/deployment.js';
import { deploymentReasons } from '../running/deployment-reasons.js';
import type { RunDeployment } from '../running/recorded-run.js';
import { DeployRefusedError } from '../targets/deploy-target.js';
import { onlyApproved } from './approved-files.js';

/** Expressions may have made names that no text could. @throws DeployRefusedError */
export function refuseNames(subject: DeploySubject): void {
  for (const [what, name] of namesOf(subject)) {
    if (!isServiceName(name)) throw badName(what, name);
  }
  refuseSameParts(subject);
}

/** What a service holds, as its step says it. */
export function placeNamed(action: DeployAction): string {
  if (action.type === 'hybrid') return action.service;
  if (action.type === 'local_directory') return action.path;
  const { published } = action;
  if ('domain' in published) return `${published.domain}${published.path ?? ''}`;
  return `port ${published.port ?? ''}`;
}

/** @param approved what was put before people: nothing else is deployed */
export function sourcesOf(
  subject: DeploySubject,
  approved: readonly ApprovedFiles[] = [],
): Pick<RunDeployment, 'source' | 'sources'> {
  const held = (service: string, found: DeployFindings): StepFiles => {
    const digest = approved.find((one) => one.service === service)?.digest;
    const files = sourceOf(found);
    return digest === undefined ? files : onlyApproved(files, digest);
  };
  if (!('parts' in subject)) return { source: held(subject.action.service, subject.found) };
  const { parts } = subject;
  return {
    sources: new Map(
      parts.map(({ action, found }) => [action.service, held(action.service, found)]),
    ),
  };
}

/** A part of what a step deploys, or all of it. */
export interface FoundPart {
  readonly service: string;
  readonly found: DeployFindings;
  readonly settings: TargetSettings;
}

/** What the step has found, with how it is deployed: of a unit, of each of its parts. */
export function partsOf(subject: DeploySubject, settings: DeploySettings): readonly FoundPart[] {
  if (!('parts' in subject)) {
    const { action, found } = subject;
    return settings.type === 'hybrid' ? [] : [{ service: action.service, found, settings }];
  }
  const parts = settings.type === 'hybrid' ? settings.parts : [];
  return subject.parts.flatMap(({ action: { service }, found }) => {
    const own = parts.find((part) => part.service === service);
    return own ? [{ service, found, settings: own.settings }] : [];
  });
}

/** What is not as people were asked about it; undefined: nothing. Pure. */
export function otherThanApproved(
  deployment: Deployment,
  subject: DeploySubject,
  context: RunContext,
): string | undefined {
  const { environment, service, type } = subject.action;
  const { commit, cause, settings } = deployment;
  if (environment !== deployment.environment) return `its environment is ${environment} now`;
  if (service !== deployment.service) return `its service is ${service} now`;
  if (type !== deployment.type) return `it is a ${type} now`;
  if ((context.trigger.commit ?? null) !== commit) return 'its commit is another one';
  if (causeOf(context).plan_hash !== cause?.plan_hash) return 'its plan is another one';
  const parts = 'parts' in subject ? subject.parts.length : 1;
  return partsOf(subject, settings).length === parts ? undefined : 'its parts are other ones';
}

function namesOf(subject: DeploySubject): readonly (readonly [what: string, name: string])[] {
  const { service, environment } = subject.action;
  const parts = 'parts' in subject ? subject.parts : [];
  return [
    ['service', service],
    ['environment', environment],
    ...parts.map(({ action }) => ['part', action.service] as const),
  ];
}

/** Names that are different in the text may have become the same. @throws DeployRefusedError */
function refuseSameParts(subject: DeploySubject): void {
  if (!('parts' in subject)) return;
  const names = [subject.action, ...subject.parts.map(({ action }) => action)];
  if (new Set(names.map(({ service }) => service)).size === names.length) return;
  throw new DeployRefusedError(deploymentReasons.samePart());
}

export function sourceOf({ files }: DeployFindings): StepFiles {
  return {
    packed: async (request, signal, work) => {
      try {
        return await files.packed(request, signal, work);
      } catch (error) {
        if (!(error instanceof StepFilesError)) throw error;
        throw new DeployRefusedError({ code: error.code, message: error.message });
      }
    },
  };
}

function badName(what: string, name: string): DeployRefusedError {
  const message = `"${quoted(name, 80)}" is no name of a ${what}: use at most 63 small letters, digits and hyphens`;
  return new DeployRefusedError({ code: 'name_invalid', message });
}
