import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Scope } from '../expression/scope.js';
import { parseTemplate, type Template } from '../expression/template.js';
import { shellCommands } from '../steps/shell/shell-commands.js';
import { PLAIN_STATUS } from '../runtime/run-scope.js';
import { expressionPlaces, type Shell } from './expression-places.js';
import {
  HOLE,
  HOSTILE_VALUES,
  STRANGE_COMMANDS,
  filled,
  hostileValue,
  shellText,
} from '../../../test/support/shell-texts.js';

const RUNS = 400;
/** A value that no shell sees anything in; long, so that it stands in no text by chance. */
const TAME = 'tame7value';

describe('a value in a shell text', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-places-'));
    writeFileSync(join(folder, 'show'), '#!/bin/sh\nprintf "<%s>\\n" "$@" >> "$RECORD"\n');
    // A text may call the system's `w` by chance, which prints the time of day.
    writeFileSync(join(folder, 'w'), '#!/bin/sh\n');
    for (const name of ['show', 'w']) chmodSync(join(folder, name), 0o755);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  interface Seen {
    readonly text: string;
    readonly isPwned: boolean;
    readonly isOver: boolean;
  }

  /** What the programs that a shell started were given, and what it printed. */
  function run(source: string, value: string, shell: Shell): Seen {
    const work = mkdtempSync(join(folder, 'w-'));
    const record = `${work}.record`;
    writeFileSync(record, '');
    const { commands, variables } = shellCommands([source], shell, scopeOf(value));
    const { stdout, signal } = spawnSync(
      `/bin/${shell}`,
      ['-c', `set -f; IFS=\n${commands[0] ?? ''}`],
      {
        cwd: work,
        env: { PATH: `${folder}:/usr/bin:/bin`, RECORD: record, F: 'full', ...variables },
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
        timeout: 1500,
      },
    );
    const isPwned = existsSync(join(work, 'pwned'));
    rmSync(work, { recursive: true, force: true });
    const text = stdout + readFileSync(record, 'utf8');
    return { text, isPwned, isOver: signal === null };
  }

  it.each(['sh', 'bash'] as const)(
    'arrives whole and is never code, or lint refuses the place: %s',
    (shell) => {
      let taken = 0;
      fc.assert(
        fc.property(shellText, hostileValue, (source, value) => {
          if (!isTaken(source, shell)) return;
          taken += 1;
          const tame = run(source, TAME, shell);
          const hostile = run(source, value, shell);
          expect(hostile.isPwned).toBe(false);
          // A text may be `set` by chance, which prints all that the shell has, this text with it.
          if (/^OPTIND=/m.test(tame.text)) return;
          expect(tame.text).not.toContain('${MILLRACE_EXPR');
          expect(hostile.text).not.toContain('${MILLRACE_EXPR');
          // Without quotes an empty value is no word, as with every variable.
          if (value !== '' && tame.isOver && hostile.isOver) {
            expect(lines(hostile.text)).toEqual(lines(tame.text.replaceAll(TAME, () => value)));
          }
        }),
        { numRuns: RUNS },
      );
      // Enough of them ran: a rule that refuses everything would pass otherwise.
      expect(taken).toBeGreaterThan(RUNS / 40);
    },
    120_000,
  );

  const words = [HOLE, `"${HOLE}"`, `'${HOLE}'`, `"'${HOLE}'"`, `"a ${HOLE}"`];
  const texts = STRANGE_COMMANDS.flatMap((command) => words.map((word) => filled(command, [word])));

  it.each(['sh', 'bash'] as const)(
    'is no code in a command that would run it: %s',
    (shell) => {
      const taken = texts.filter((text) => isTaken(text, shell));
      for (const source of taken) {
        for (const value of HOSTILE_VALUES) {
          const { text, isPwned } = run(source, value, shell);
          expect([source, value, isPwned]).toEqual([source, value, false]);
          expect(text).not.toContain('${MILLRACE_EXPR');
        }
      }
    },
    120_000,
  );
});

/** In no order, as those of a pipe have none. */
function lines(text: string): string[] {
  return text.split('\n').sort();
}

function isTaken(source: string, shell: Shell): boolean {
  const parsed = parseTemplate(source);
  if (!parsed.ok) return false;
  const template: Template = parsed.template;
  return expressionPlaces([template], shell).every(({ kind }) => kind === 'word');
}

function scopeOf(message: string): Scope {
  return {
    trigger: { message },
    env: {},
    inputs: {},
    matrix: {},
    pipeline: {},
    steps: () => ({ kind: 'unknown' }),
    stages: () => undefined,
    status: PLAIN_STATUS,
  };
}
