import { cronProblem, parseCron } from './cron.js';

describe('a cron expression', () => {
  it.each([
    ['0 3 * * *', undefined],
    ['*/15 0-6,22,23 1 jan-mar mon', undefined],
    ['0 0 29 2 *', undefined],
    ['0 0 31 4,5 *', undefined],
    ['0 0 31 2 mon', undefined],
    ['0 0 30 2 *', 'never comes'],
    ['0 0 31 4,6,9,11 *', 'never comes'],
    ['0 0 30,31 feb */2', 'never comes'],
    ['60 * * * *', 'no minute'],
    ['* * 0 * *', 'no day of the month'],
    ['*/0 * * * *', 'no minute'],
    ['5-1 * * * *', 'no minute'],
    ['* * * * 8', 'no day of the week'],
    ['* * * * * *', '5 fields'],
    ['@daily', '5 fields'],
    ['0 0 L * *', 'no day of the month'],
  ])('%s', (expression, problem) => {
    if (problem === undefined) expect(cronProblem(expression)).toBeUndefined();
    else expect(cronProblem(expression)).toContain(problem);
  });

  it('is taken apart', () => {
    expect(parseCron('5,1-3,50/4 */12 1,2 feb sat,7')).toEqual({
      minutes: [1, 2, 3, 5, 50, 54, 58],
      hours: [0, 12],
      months: new Set([2]),
      daysOfMonth: new Set([1, 2]),
      daysOfWeek: new Set([6, 0]),
      anyDayFits: true,
      keepsInterval: true,
    });
    expect(parseCron('0 1,2 */2 * 5-7')).toMatchObject({
      daysOfWeek: new Set([5, 6, 0]),
      anyDayFits: false,
      keepsInterval: false,
    });
  });
});
