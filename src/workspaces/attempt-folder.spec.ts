import { uuidV7 } from '../common/ids/uuid.js';
import { attemptFolder, parseAttemptFolder } from './attempt-folder.js';

describe('the name of the folder of an attempt', () => {
  it('tells execution and attempt, in 24 characters', () => {
    for (let count = 0; count < 1_000; count += 1) {
      const executionId = uuidV7();
      const name = attemptFolder(executionId, 3);
      expect(name).toMatch(/^[\w-]{22}\.3$/);
      expect(name.startsWith('-')).toBe(false);
      expect(parseAttemptFolder(name)).toEqual({ executionId, attempt: 3 });
    }
  });

  it.each(['', 'a.1', `${'a'.repeat(22)}`, `${'a'.repeat(22)}.0`, `${'a'.repeat(22)}.1.staging`])(
    'is not %j',
    (name) => {
      expect(parseAttemptFolder(name)).toBeUndefined();
    },
  );
});
