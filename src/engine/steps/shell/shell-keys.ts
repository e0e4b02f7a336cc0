import { workspacePath } from '../../yaml/common-readers.js';
import { template } from '../../yaml/expression-readers.js';
import type { KeyGroup } from '../../yaml/json-schema.js';
import type { Reader } from '../../yaml/reader.js';
import { choice, flag, listOf } from '../../yaml/value-readers.js';
import { searchFolders } from '../../yaml/search-folders.js';
import type { KeyValues, StepKeys } from '../step-kind.js';
import type { ShellDraft } from './shell-draft.js';

const MAX_COMMANDS = 200;

export const command: Reader<string> = template({ expects: 'a command' });

export const commands: Reader<string[]> = listOf(command, {
  min: 1,
  max: MAX_COMMANDS,
  single: true,
});

export const shell = choice(['sh', 'bash'], {
  habits: { '/bin/sh': 'sh', '/bin/bash': 'bash', zsh: 'bash', dash: 'sh' },
});

export const separateStreams = flag();

const run = {
  reader: commands,
  value: 'command, or list of commands',
  default: 'required',
  meaning: 'in one shell; the first that fails ends the step; `script` is the same',
} as const;

export const shellKeys = {
  run,
  script: run,
  shell: {
    reader: shell,
    value: '`sh`, `bash`',
    default: '`sh`',
    meaning: '`/bin/sh -e`, or `bash -eo pipefail`',
  },
  separate_streams: {
    reader: separateStreams,
    value: '`true`, `false`',
    default: '`false`',
    meaning: 'see below',
  },
  working_directory: {
    reader: workspacePath,
    value: 'path inside the workspace',
    default: 'the workspace',
    meaning: 'relative, never outside',
  },
  path: {
    reader: searchFolders,
    value: 'folder, or list of folders',
    default: 'none',
    meaning: 'in front of `PATH`, before those of its stage and pipeline: see Folders of programs',
  },
} as const satisfies StepKeys;

/** Of the map that has these keys. */
export const COMMANDS_ONCE: KeyGroup = {
  keys: ['run', 'script'],
  several: ['conflicting_keys', '"run" and "script" mean the same; both are given.', 'Remove one'],
};

/** The commands of a step and how they run, as these keys say it. */
export function readCommands(values: KeyValues<typeof shellKeys>): Omit<ShellDraft, 'kind'> {
  return {
    commands: values.run ?? values.script ?? [],
    shell: values.shell,
    separateStreams: values.separate_streams,
    workingDirectory: values.working_directory,
    path: values.path,
  };
}
