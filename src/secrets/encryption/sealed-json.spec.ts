import { testKeyring } from './keyring.fixture.js';
import { BrokenSealError } from './keyring.js';
import { fieldsOpened, fieldsSealed } from './sealed-fields.js';
import { openJson, sealJson } from './sealed-json.js';

const keyring = testKeyring();

describe('sealed values', () => {
  it.each([1, 4095, 4096, 100_000])('of %d characters come back, in their place only', (length) => {
    const text = JSON.stringify('ä'.repeat(length));
    const sealed = sealJson(keyring, text, 'plans:a:plan');
    expect(openJson(keyring, sealed, 'plans:a:plan')).toBe(text);
    expect(() => openJson(keyring, sealed, 'plans:b:plan')).toThrow(BrokenSealError);
  });

  it('take less room than they had, where there is much of them', () => {
    const text = JSON.stringify('- name: step\n  run: npm test\n'.repeat(10_000));
    expect(sealJson(keyring, text, 'c').length).toBeLessThan(text.length / 10);
  });

  it('are the fields of a document, by one seal; those of an older release are in clear', () => {
    const document = { _id: 'a', name: 'n', text: 's3cret', list: [1], none: null };
    const stored = fieldsSealed(keyring, document, ['text', 'list', 'none'], 'x:a:sealed');
    expect(stored).toEqual({ _id: 'a', name: 'n', sealed: expect.stringMatching(/^v1\.k1\./) });
    expect(fieldsOpened(keyring, stored, 'x:a:sealed')).toEqual(document);
    expect(() => fieldsOpened(keyring, stored, 'x:b:sealed')).toThrow(BrokenSealError);
    expect(fieldsOpened(keyring, { ...document, sealed: undefined }, 'x:a:sealed')).toEqual(
      document,
    );
  });
});
