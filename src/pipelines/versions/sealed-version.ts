import { fieldsOpened, fieldsSealed, type Sealed } from '../../secrets/encryption/sealed-fields.js';
import type { Keyring } from '../../secrets/encryption/keyring.js';
import type { PipelineVersionDocument } from './pipeline-version.schema.js';

/** What of a version may hold passwords, as long as people write them into their YAML. */
export const VERSION_TEXTS = ['yaml_content', 'definition', 'inputs'] as const;

/** A version as it is stored; older versions of Millrace have stored it in clear. */
export type StoredVersion = Sealed<PipelineVersionDocument, (typeof VERSION_TEXTS)[number]>;

export function sealedVersion(
  keyring: Keyring,
  version: PipelineVersionDocument,
): StoredVersion & { sealed: string } {
  return fieldsSealed(keyring, version, VERSION_TEXTS, versionContext(version._id));
}

/** @throws MissingKeyError, BrokenSealError */
export function openedVersion(keyring: Keyring, stored: StoredVersion): PipelineVersionDocument {
  return fieldsOpened<PipelineVersionDocument>(keyring, stored, versionContext(stored._id));
}

export function versionContext(id: string): string {
  return `pipeline_versions:${id}:sealed`;
}
