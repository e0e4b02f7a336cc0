import { refusalFor } from './machine-watch.js';

const MiB = 1024 * 1024;
const floors = { minFreeDisk: 500 * MiB, minFreeMemory: 200 * MiB };

describe('refusalFor', () => {
  it('takes executions while both floors are kept', () => {
    expect(refusalFor({ freeDisk: 500 * MiB, freeMemory: 200 * MiB }, floors)).toBeNull();
  });

  it.each([
    ['disk_low', { freeDisk: 499 * MiB, freeMemory: 900 * MiB }, 'MIN_FREE_DISK'],
    ['memory_low', { freeDisk: 900 * MiB, freeMemory: 199 * MiB }, 'MIN_FREE_MEMORY'],
  ])('refuses by %s and names the variable', (code, resources, variable) => {
    const refusal = refusalFor(resources, floors);
    expect(refusal?.code).toBe(code);
    expect(refusal?.message).toContain(variable);
  });
});
