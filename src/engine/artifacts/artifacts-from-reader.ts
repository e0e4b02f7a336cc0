import type { ArtifactsSource } from '../plan/artifacts-plan.js';
import { fields, type Reader } from '../yaml/reader.js';
import { listOf, mapOr, mapped, text } from '../yaml/value-readers.js';

const MAX_SOURCES = 20;
const named = (expects: string): Reader<string> => text({ expects, max: 200, oneLine: true });

export const artifactsFromTable = {
  name: 'artifacts_from',
  fields: {
    stage: named('the name of a stage'),
    step: named('the name of a step'),
    name: named('the name of artifacts'),
    pipeline: named('the name of a pipeline'),
    branch: named('a branch'),
  },
  habits: {
    from: 'Write stage',
    job: 'Write stage and step',
    project: 'Write pipeline',
    ref: 'Write branch',
    paths: 'All files of the artifacts are brought',
  },
} as const;

const table = fields(artifactsFromTable);

const source: Reader<ArtifactsSource> = mapOr(
  {
    expects: table.expects,
    schema: table.schema,
    read: (node, path, context) => {
      const values = table.read(node, path, context);
      if (values === undefined) return undefined;
      const { stage, pipeline, branch } = values;
      const at = { path, offset: node.start };
      if (stage === undefined && pipeline === undefined) {
        const message = 'It says neither "stage" nor "pipeline".';
        context.error('missing_key', message, at, 'Write stage: <name of a stage>');
      }
      // Artifacts of any branch would feed those of the default branch.
      if ((pipeline === undefined) !== (branch === undefined)) {
        const message = '"pipeline" and "branch" belong together.';
        context.error('missing_key', message, at, 'Write { pipeline: <name>, branch: <name> }');
      }
      return values;
    },
  },
  mapped(named('the name of a stage'), (stage): ArtifactsSource => ({ stage })),
);

/** `artifacts_from: build`, a map, or a list of these. */
export const artifactsFrom: Reader<ArtifactsSource[]> = listOf(source, {
  max: MAX_SOURCES,
  single: true,
});
