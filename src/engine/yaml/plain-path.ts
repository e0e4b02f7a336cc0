import { variableHere } from './foreign-variables.js';
import type { YamlPath } from './problem.js';
import type { Reader } from './reader.js';
import { likelyVariableIn, shellVariableIn } from './shell-variable.js';

/** A reader of a path in the workspace, which warns of `$NAME` in it: no shell reads it. */
export function plainPath(reader: Reader<string>): Reader<string> {
  return {
    expects: reader.expects,
    schema: reader.schema,
    read: (node, path, context) => {
      const value = reader.read(node, path, context);
      const found = shellVariableIn(value ?? '') ?? likelyVariableIn(value ?? '');
      if (found !== undefined) {
        const message = `Nobody expands ${found.shown} in a path: it stays as it is written.`;
        const at = { path, offset: node.start };
        context.warn('not_expanded', message, at, hintFor(found.name, path));
      }
      return value;
    },
  };
}

function hintFor(name: string, path: YamlPath): string {
  if ((variableHere(name) ?? name) === 'CI_WORKSPACE') {
    return 'Leave it out: paths are relative to the workspace';
  }
  return path.includes('cache')
    ? 'Write a tool (cache: npm), which keeps its own folder, or a path in the workspace'
    : 'Write a path in the workspace';
}
