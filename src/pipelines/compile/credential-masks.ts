import { MaskSet } from '../../common/redaction/mask-set.js';
import { credentialForms, splitUrlCredentials } from '../../common/url-credentials.js';
import { redactUrls } from '../../common/values/redact-urls.js';
import { allSteps } from '../../engine/plan/all-steps.js';
import type { Plan } from '../../engine/plan/plan.js';
import { kindOf } from '../../engine/steps/step-kind-registry.js';

/**
 * What must show nowhere of a run: its secrets, and every credential in a URL that it clones from.
 * The set can grow during the run.
 */
export function runMasks(
  plan: Plan,
  cloneUrl: string | null,
  secrets: readonly string[] = [],
): MaskSet {
  const urls = new Set<string>();
  if (cloneUrl !== null) urls.add(cloneUrl);
  if (plan.repository) urls.add(plan.repository.url);
  for (const { action } of allSteps(plan)) {
    for (const url of kindOf(action).credentialUrls?.(action) ?? []) urls.add(url);
  }
  return MaskSet.from([...[...urls].flatMap(credentialsOf), ...secrets]);
}

/** Takes them out of a text, and the user information of any other URL with them. */
export function credentialMask(plan: Plan, cloneUrl: string | null): (text: string) => string {
  const masks = runMasks(plan, cloneUrl);
  return (text) => masks.maskText(redactUrls(text));
}

/** The credentials in a URL, in every form in which they may turn up; none in what is no URL. */
export function credentialsOf(url: string): readonly string[] {
  if (!URL.canParse(url)) return [];
  const { credentials } = splitUrlCredentials(url);
  return credentials ? credentialForms(credentials) : [];
}
