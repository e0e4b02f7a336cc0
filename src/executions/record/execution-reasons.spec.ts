import { MissingKeyError } from '../../secrets/encryption/keyring.js';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../config/paths.js';
import { executionReasons } from './execution-reasons.js';

describe('reasons of executions', () => {
  const page = readFileSync(join(packageRoot(), 'docs/reasons.md'), 'utf8');
  const reasons = [
    executionReasons.queued(),
    executionReasons.queueUnavailable(),
    executionReasons.noWorker([]),
    executionReasons.noWorker(['gpu']),
    executionReasons.workersRefuse(),
    executionReasons.slotsBusy(8, 2),
    executionReasons.queuedBehind(3),
    executionReasons.pipelineDisabled(),
    executionReasons.cancelled('somebody', undefined),
    executionReasons.workerLost('w', 1),
    executionReasons.workerLost('w', 0),
    executionReasons.workerStopped('w'),
    executionReasons.claimUnheard('w'),
    executionReasons.leaseLost(),
    executionReasons.workspaceFailed('ENOSPC'),
    executionReasons.secretMissing(['A_KEY']),
    executionReasons.secretUnreadable('A_KEY', 'k1'),
    executionReasons.unreadable('its plan', new MissingKeyError('k1')),
    executionReasons.internalError(),
  ];

  it.each(reasons)('$code is explained in docs/reasons.md', ({ code, message }) => {
    expect(page).toContain(`\`${code}\``);
    expect(message).toMatch(/\.$/);
  });

  it('are all here', () => {
    const here = new Set(reasons.map(({ code }) => code));
    expect(here.size).toBe(Object.keys(executionReasons).length);
  });
});
