import { MaskSet } from '../../common/redaction/mask-set.js';
import { credentialForms, splitUrlCredentials } from '../../common/url-credentials.js';
import { redactUrls } from '../../common/values/redact-urls.js';
import type { Plan } from '../../engine/plan/plan.js';
import { kindOf } from '../../engine/steps/step-kind-registry.js';

/** Every credential in a URL that an execution clones from: none of them may show in its log. */
export function credentialMasks(plan: Plan, cloneUrl: string | null): string[] {
  const urls = new Set<string>();
  if (cloneUrl !== null) urls.add(cloneUrl);
  if (plan.repository) urls.add(plan.repository.url);
  const steps = plan.stages.flatMap((stage) => stage.steps);
  for (const { action } of [...steps, ...plan.onFailure, ...plan.always]) {
    for (const url of kindOf(action).credentialUrls?.(action) ?? []) urls.add(url);
  }
  return [...urls].flatMap(formsOf);
}

/** Takes them out of a text, and the user information of any other URL with them. */
export function credentialMask(plan: Plan, cloneUrl: string | null): (text: string) => string {
  const masks = MaskSet.from(credentialMasks(plan, cloneUrl));
  return (text) => masks.maskText(redactUrls(text));
}

function formsOf(url: string): readonly string[] {
  if (!URL.canParse(url)) return [];
  const { credentials } = splitUrlCredentials(url);
  return credentials ? credentialForms(credentials) : [];
}
