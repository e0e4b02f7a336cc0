import { NewestAnswer } from './newest-answer.js';

describe('the newest answer', () => {
  let waiting: ((answer: string | Error) => void)[];
  let newest: NewestAnswer<string>;

  beforeEach(() => {
    waiting = [];
    const question = (): Promise<string> =>
      new Promise((resolve, reject) => {
        waiting.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer)));
      });
    newest = new NewestAnswer(question);
  });

  it('is what each question gets that comes after it', async () => {
    const first = newest.ask();
    waiting[0]?.('one');
    expect(await first).toBe('one');
    const second = newest.ask();
    waiting[1]?.('two');
    expect(await second).toBe('two');
  });

  it('counts for a question that was asked before and ends after', async () => {
    const [first, second] = [newest.ask(), newest.ask()];
    waiting[1]?.('two');
    expect(await second).toBe('two');
    waiting[0]?.('one');
    expect(await first).toBe('two');
  });

  it('is not that of a question that failed', async () => {
    const [first, second] = [newest.ask(), newest.ask()];
    waiting[1]?.(new Error('away'));
    await expect(second).rejects.toThrow('away');
    waiting[0]?.('one');
    expect(await first).toBe('one');
  });
});
