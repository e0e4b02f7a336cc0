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
    executionReasons.answered(['ok']),
    executionReasons.snapshotUnavailable('w'),
    executionReasons.restoreLost('w'),
    executionReasons.leaseLost(),
    executionReasons.workspaceFailed('ENOSPC'),
    executionReasons.secretMissing(['A_KEY'], new Map()),
    executionReasons.secretWithheld(
      [{ name: 'A_KEY', scope: 'global', events: ['push'], protected: false, why: 'event' }],
      { event: 'manual', unprotected: undefined },
    ),
    executionReasons.secretUnreadable('A_KEY', 'k1'),
    executionReasons.unreadable('its plan', new MissingKeyError('k1')),
    executionReasons.internalError(),
  ];

  it.each(reasons)('$code is explained in docs/reasons.md', ({ code, message }) => {
    expect(page).toContain(`\`${code}\``);
    expect(message).toMatch(/\.$/);
  });

  it('of secrets that a run does not get name each of them, its rules and the run', () => {
    const rules = { events: ['push', 'tag'], protected: true } as const;
    const { message } = executionReasons.secretWithheld(
      [
        { name: 'A_KEY', scope: 'pipeline', ...rules, why: 'event' },
        { name: 'A_KEY', scope: 'global', ...rules, why: 'protected' },
      ],
      { event: 'manual', unprotected: 'it is of a pull request' },
    );
    expect(message).toBe(
      'The secret A_KEY of the pipeline is only for push, tag; this run is of manual. ' +
        'The global secret A_KEY is protected, and this run does not get it: it is of a pull request.',
    );
  });

  it('are all here', () => {
    const here = new Set(reasons.map(({ code }) => code));
    expect(here.size).toBe(Object.keys(executionReasons).length);
  });
});
