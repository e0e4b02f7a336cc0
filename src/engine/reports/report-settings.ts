import type { ReportsPlan } from '../plan/reports-plan.js';
import { quoted } from '../../common/values/redact-urls.js';
import { globs } from '../yaml/glob-reader.js';
import { fields, type Reader } from '../yaml/reader.js';
import { advised, mapped } from '../yaml/value-readers.js';
import type { YamlNode } from '../yaml/yaml-tree.js';

export const reportsTable = {
  name: 'reports',
  fields: { junit: globs },
  required: ['junit'],
  habits: {
    paths: 'Write junit: <glob>',
    xunit: 'Write junit, if the tool writes that; others are not read',
    tests: 'Write junit: <glob>',
    cobertura: 'Only junit is read; keep others by artifacts',
    coverage: 'Only junit is read; keep others by artifacts',
  },
} as const;

/** `reports: { junit: "junit/*.xml" }`, or a list of globs. */
export const reports: Reader<ReportsPlan> = mapped(
  advised(fields(reportsTable), pathAdvice),
  ({ junit }) => ({
    // Without it a problem was told.
    junit: junit ?? [],
  }),
);

function pathAdvice(node: YamlNode): string | undefined {
  if (node.kind === 'map' || (node.kind === 'scalar' && node.value === null)) return undefined;
  const path = node.kind === 'scalar' ? quoted(node.text, 60) : '[ … ]';
  return `Write reports: { junit: ${path} }`;
}
