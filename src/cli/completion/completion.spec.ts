import { Argument, Command, Option } from 'commander';
import { execFileSync } from 'node:child_process';
import { bashScript } from './bash-script.js';
import { commandShapesOf } from './command-shape.js';
import { fishScript } from './fish-script.js';
import { zshScript } from './zsh-script.js';

function program(): Command {
  const top = new Command('millrace');
  top
    .command('go')
    .description("It's: a \\ test")
    .argument('<pipeline>')
    .argument('<files...>')
    .option('-f, --fast', 'quickly')
    .addOption(new Option('--how <way>').choices(['well', 'badly']))
    .option('--write <file>');
  const group = top.command('group');
  group.command('list', { isDefault: true }).option('--limit <number>');
  group.command('get').addArgument(new Argument('<shell>').choices(['a', 'b']));
  top.command('show').argument('<file|pipeline>');
  top.command('secret', { hidden: true });
  return top;
}

it('reads commands, options, values and places from the program', () => {
  const shapes = commandShapesOf(program());
  expect(shapes.map(({ path }) => path)).toEqual([
    '',
    'go',
    'group',
    'group list',
    'group get',
    'show',
  ]);
  const go = shapes[1];
  expect(go?.places).toEqual([{ kind: 'pipeline' }, { kind: 'file' }]);
  expect(go?.variadic).toBe(true);
  expect(go?.options.map(({ names, value }) => [names, value?.kind])).toEqual([
    [['-f', '--fast'], undefined],
    [['--how'], 'words'],
    [['--write'], 'file'],
    [['-h', '--help'], undefined],
  ]);
  expect(shapes[2]?.options.flatMap(({ names }) => names)).toEqual(['-h', '--help', '--limit']);
  expect(shapes[5]?.places).toEqual([{ kind: 'source' }]);
  expect(shapes[4]?.places).toEqual([{ kind: 'words', words: ['a', 'b'] }]);
});

it('writes scripts with nothing unquoted', () => {
  const shapes = commandShapesOf(program());
  execFileSync('bash', ['-n'], { input: bashScript(shapes) });
  // The part that parses by itself; `#compdef` and `_describe` need zsh.
  execFileSync('bash', ['-n'], { input: zshScript(shapes) });
  expect(zshScript(shapes)).toContain(`'go:It'\\''s: a \\ test'`);
  expect(fishScript(shapes)).toContain(`-a 'go' -d 'It\\'s: a \\\\ test'`);
  expect(fishScript(shapes)).not.toContain('secret');
});
