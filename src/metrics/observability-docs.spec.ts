import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Metrics } from '../common/metrics/metrics.js';
import { packageRoot } from '../config/paths.js';
import { StoreGauges } from './store-gauges.js';

interface Described {
  readonly name: string;
  readonly type: string;
  readonly labels: string;
}

/** What prom-client keeps of a metric. */
interface Definition {
  readonly name: string;
  readonly labelNames?: readonly string[];
  readonly constructor: { readonly name: string };
}

const text = readFileSync(join(packageRoot(), 'docs/observability.md'), 'utf8');

describe('docs/observability.md', () => {
  it('describes every metric with its type and labels, and no other', () => {
    const rows = [...text.matchAll(/^\| `(millrace_\w+)` +\| (\w+) +\| ([`\w ]*)\|/gm)];
    const described = rows.map(([, name = '', type = '', labels = '']): Described => ({
      name,
      type,
      labels: labels.replaceAll('`', '').trim(),
    }));
    expect(described).toEqual([...definedIn(new Metrics()), ...definedIn(new StoreGauges())]);
  });
});

function definedIn({ registry }: Pick<Metrics | StoreGauges, 'registry'>): Described[] {
  const all = registry.getMetricsAsArray() as unknown as readonly Definition[];
  return all.map(({ name, labelNames = [], constructor }) => ({
    name,
    type: constructor.name.toLowerCase(),
    labels: labelNames.filter((label) => label !== 'le').join(' '),
  }));
}
