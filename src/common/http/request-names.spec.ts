import { IsOptional, IsString, ValidateNested } from 'class-validator';
import { Type } from 'class-transformer';
import fc from 'fast-check';
import { MillraceError } from '../errors/millrace.error.js';
import { nameRecord } from '../values/name-record.js';
import { NameMap, OwnCharacters } from './name-map.decorator.js';
import { validationPipe } from './validation.js';
import { parseJson } from './written-numbers.js';

class InnerDto {
  @IsOptional()
  @NameMap()
  environment?: Readonly<Record<string, unknown>>;
}

class BodyDto {
  @IsOptional()
  @IsString()
  text?: string;

  @IsOptional()
  @IsString()
  @OwnCharacters()
  yaml?: string;

  @IsOptional()
  @NameMap()
  inputs?: Readonly<Record<string, unknown>>;

  @IsOptional()
  @ValidateNested()
  @Type(() => InnerDto)
  inner?: InnerDto;
}

const pipe = validationPipe();
const INHERITED = Object.getOwnPropertyNames(Object.prototype);
const take = (json: string, type: 'body' | 'query' = 'body'): Promise<BodyDto> =>
  pipe.transform(parseJson(json), { type, metatype: BodyDto });

async function problemsOf(json: string, type: 'body' | 'query' = 'body') {
  const error: unknown = await take(json, type).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(MillraceError);
  return (error as MillraceError).details as { path: string; code: string; message: string }[];
}

describe('names in a request', () => {
  it('finds as many inherited ones as objects have', () => {
    expect(INHERITED.length).toBeGreaterThanOrEqual(11);
  });

  it.each(INHERITED.flatMap((name) => [[name, 'body'] as const, [name, 'query'] as const]))(
    'knows no property %s of a %s',
    async (name, type) => {
      const [problem] = await problemsOf(`{${JSON.stringify(name)}: "x"}`, type);
      expect(problem).toMatchObject({ path: name, code: 'unknown_property' });
      const [inner] = await problemsOf(`{"inner": {${JSON.stringify(name)}: "x"}}`, type);
      expect(inner).toMatchObject({ path: `inner.${name}`, code: 'unknown_property' });
    },
  );

  it('brings every name of a map, whatever it is', async () => {
    const name = fc.oneof(fc.constantFrom(...INHERITED, 'prototype', '_bsontype'), fc.string());
    const clean = name.filter((text) => !/[\u0000-\u001f\u007f-\u009f\ufffe\uffff]/.test(text));
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(clean), async (names) => {
        const map = JSON.stringify(nameRecord(names.map((each) => [each, `of ${each}`] as const)));
        const body = await take(`{"inputs": ${map}, "inner": {"environment": ${map}}}`);
        for (const read of [body.inputs, body.inner?.environment]) {
          expect(Object.keys(read ?? {}).toSorted()).toEqual(names.toSorted());
          for (const each of names) expect(read?.[each]).toBe(`of ${each}`);
        }
      }),
    );
  });
});

describe('characters in a request', () => {
  it.each(['\\u0000', '\\u001b[31m', '\\ud800', '\\udc00x', '\\u009b', '\\u007f'])(
    'refuses %s with its place, in every text and name',
    async (character) => {
      for (const [json, path] of [
        [`{"text": "ab${character}"}`, 'text'],
        [`{"inputs": {"a": "x${character}"}}`, 'inputs.a'],
        [`{"inputs": {"a": ["${character}"]}}`, 'inputs.a[0]'],
        [`{"inner": {"environment": {"x${character}": "y"}}}`, 'inner.environment'],
      ] as const) {
        expect(await problemsOf(json)).toMatchObject([{ path, code: 'character' }]);
      }
      await expect(take(`{"yaml": "${character}"}`)).resolves.toBeDefined();
    },
  );

  it('takes lines, tabs, and whole pairs', async () => {
    const text = 'a\tb\r\nc 😀';
    await expect(take(JSON.stringify({ text }))).resolves.toEqual({ text });
  });

  it('refuses a query that was no UTF-8', async () => {
    expect(await problemsOf('{"text": "caf\ufffd"}', 'query')).toMatchObject([
      { code: 'encoding' },
    ]);
  });
});

describe('numbers in a map of names', () => {
  it.each(['1e400', '1.10', '12345678901234567890', '-0', '1.0', '1E2', '0.1e1', '-1e-400'])(
    'refuses %s, which would change',
    async (number) => {
      const json = `{"inputs": {"a": "\\"1.10", "n": ${number}}, "text": "2.50"}`;
      const [problem, ...others] = await problemsOf(json);
      expect(problem).toMatchObject({ path: 'inputs.n', code: 'number' });
      expect(problem?.message).toContain(JSON.stringify(number));
      expect(others).toEqual([]);
    },
  );

  it('takes what is told as it was written', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ noNaN: true, noDefaultInfinity: true }), async (value) => {
        const { inputs } = await take(`{"inputs": {"n": ${String(value)}}}`);
        expect(String(inputs?.['n'])).toBe(String(value));
      }),
    );
  });

  it('parses as JSON does, everywhere', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(parseJson(json)).toEqual(JSON.parse(json));
      }),
    );
    expect(parseJson('[1.10, {"a\\\\": 1.0, "b\\"1.0": "1.0"}]')).toEqual([
      1.1,
      { 'a\\': 1, 'b"1.0': '1.0' },
    ]);
  });
});
