import type { Reason } from '../../../engine/plan/run-state.js';

/** Why a step cannot begin where it was told to. */
export function workingDirectoryReason(kind: 'outside' | 'missing', directory = ''): Reason {
  const data = { working_directory: directory };
  if (kind === 'outside') {
    const message = `working_directory ${directory} leads out of the workspace`;
    return { code: 'working_directory_outside', message, data };
  }
  const message = `working_directory ${directory} does not exist, is no folder, or may not be entered by the step`;
  return { code: 'working_directory_missing', message, data };
}
