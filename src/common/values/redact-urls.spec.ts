import { ownTime } from '../../../test/support/own-time.js';
import { quoted, redactUrls } from './redact-urls.js';

describe('redactUrls', () => {
  it.each([
    ['https://user:token@host/a', 'https://***@host/a'],
    ['https://token@host/a', 'https://***@host/a'],
    ['see HTTPS://u:p@h/ and redis://:pw@r:6379', 'see HTTPS://***@h/ and redis://***@r:6379'],
    ['https://u:a@b@host/', 'https://***@host/'],
    ['https://u:pa/ss@host/', 'https://***@host/'],
    ['https://u:pa?s#s@host/', 'https://***@host/'],
    ['ssh://git@host/a', 'ssh://git@host/a'],
    ['ssh://git:pw@host/a', 'ssh://***@host/a'],
    ['https://host/@scope/pkg@1.0', 'https://host/@scope/pkg@1.0'],
    ['https://host:8080/a@b', 'https://host:8080/a@b'],
    ['mail ada@example.com', 'mail ada@example.com'],
  ])('%s', (text, expected) => {
    expect(redactUrls(text)).toBe(expected);
  });

  it('is linear on hostile text', () => {
    const took = ownTime(() => {
      redactUrls(`${'a://'.repeat(20_000)}@`);
      redactUrls(`@${`x://:${'a'.repeat(50_000)}:1/`.repeat(20)}`);
      redactUrls(`${'a'.repeat(100_000)}@${'a:'.repeat(50_000)}`);
    });
    expect(took).toBeLessThan(5_000);
  });
});

describe('quoted', () => {
  it.each([
    ['C:\\x', 'C:\\x'],
    ['a\\b', 'a\\b'],
    ['https:\\\\user:token@host', '***'],
    ['user:token@host', '***'],
    ['abcdef', 'abc…'],
  ])('%s is shown as %s', (value, shown) => {
    expect(quoted(value, shown === 'abc…' ? 3 : 100)).toBe(shown);
  });
});
