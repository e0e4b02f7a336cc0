import 'reflect-metadata';
import { validateSync } from 'class-validator';
import { TriggerDto } from './trigger.dto.js';

function refused(values: Partial<TriggerDto>): string[] {
  const all = validateSync(Object.assign(new TriggerDto(), values));
  return all.map(({ property }) => property);
}

describe('what a trigger may name', () => {
  it.each(['main', 'feature/x', 'é'])('takes the branch and tag %s', (name) => {
    expect(refused({ branch: name, tag: name })).toEqual([]);
  });

  it.each(['..', 'a..b', '@{x}', 'x.lock', '.x', 'a//b', 'x/', '-x', 'a b', '@'])(
    'refuses the branch and tag %j, as a pipeline that names it',
    (name) => {
      expect(refused({ branch: name, tag: name })).toEqual(['branch', 'tag']);
    },
  );
});
