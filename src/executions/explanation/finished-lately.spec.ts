import type {
  ExecutionListsRepository,
  FinishedExecution,
} from '../record/execution-lists.repository.js';
import { RecentlyFinished } from './finished-lately.js';

describe('FinishedLately', () => {
  const finished = jest.fn<
    ReturnType<ExecutionListsRepository['finished']>,
    Parameters<ExecutionListsRepository['finished']>
  >();
  const lately = (): RecentlyFinished =>
    new RecentlyFinished({ finished } as unknown as ExecutionListsRepository);
  const rows = (id: string): FinishedExecution[] => [{ _id: id } as FinishedExecution];

  beforeEach(() => {
    jest.useFakeTimers();
    finished.mockReset();
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  it('looks once for all who ask within 5 s, and again after that', async () => {
    const subject = lately();
    finished.mockResolvedValueOnce(rows('old')).mockResolvedValueOnce(rows('new'));
    expect(await Promise.all([subject.of('p'), subject.of('p')])).toEqual([
      rows('old'),
      rows('old'),
    ]);
    jest.advanceTimersByTime(4_900);
    expect(await subject.of('p')).toEqual(rows('old'));
    jest.advanceTimersByTime(200);
    expect(await subject.of('p')).toEqual(rows('new'));
    expect(finished).toHaveBeenCalledTimes(2);
  });

  it('keeps pipelines apart, and all of them from each', async () => {
    const subject = lately();
    finished.mockImplementation(async ({ pipelineId }) => rows(pipelineId ?? 'all'));
    expect(await subject.of('p')).toEqual(rows('p'));
    expect(await subject.of('q')).toEqual(rows('q'));
    expect(await subject.of()).toEqual(rows('all'));
  });

  it('remembers no failure', async () => {
    const subject = lately();
    finished.mockRejectedValueOnce(new Error('away')).mockResolvedValueOnce(rows('back'));
    await expect(subject.of('p')).rejects.toThrow('away');
    expect(await subject.of('p')).toEqual(rows('back'));
  });
});
