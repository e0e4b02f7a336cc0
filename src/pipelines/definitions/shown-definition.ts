import type { Scope } from '../../auth/policy/policy.js';
import type { Plan } from '../../engine/plan/plan.js';
import { maskDeep } from '../../engine/runtime/reasons.js';
import { credentialMask } from '../compile/credential-masks.js';

/** Before the text of a reader: a comment, so that the text means what it meant. */
const NOTE =
  '# Credentials in URLs are masked (***): to read the exact text needs the scope pipelines:write.\n';
const BYTE_ORDER_MARK = '\ufeff';

/** What is shown of a stored definition, and whether something of it is masked. */
export type Shown<T> = T & { readonly credentials_masked: boolean };

/**
 * Whether somebody sees the exact texts of a definition. Who may write it needs them, to change
 * them.
 */
export function seesExactText({ scopes }: { readonly scopes: ReadonlySet<Scope> }): boolean {
  return scopes.has('pipelines:write');
}

export function shownExactly<T extends object>(stored: T): Shown<T> {
  return { ...stored, credentials_masked: false };
}

/**
 * For everybody else: every credential that the plan clones with, and those in any other URL, are
 * `***` wherever they stand.
 * @param texts the fields of `stored` that hold what somebody wrote
 */
export function shownMasked<T extends { readonly yaml_content: string }>(
  stored: T,
  texts: readonly (keyof T)[],
  plan: Plan,
): Shown<T> {
  const inner = credentialMask(plan, null);
  let isMasked = false;
  const mask = (text: string): string => {
    const masked = inner(text);
    isMasked ||= masked !== text;
    return masked;
  };
  const shown = { ...stored };
  for (const name of texts) shown[name] = maskDeep(stored[name], mask) as T[keyof T];
  const yaml = mask(stored.yaml_content);
  const text = yaml === stored.yaml_content ? yaml : noted(yaml);
  return { ...shown, yaml_content: text, credentials_masked: isMasked };
}

function noted(yaml: string): string {
  return yaml.startsWith(BYTE_ORDER_MARK)
    ? BYTE_ORDER_MARK + NOTE + yaml.slice(BYTE_ORDER_MARK.length)
    : NOTE + yaml;
}
