import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { NODE_FLAGS } from '../../src/config/node-flags.js';
import { packageRoot } from '../../src/config/paths.js';
import { MillraceServer } from '../support/millrace-server.js';

const dist = join(packageRoot(), 'dist');
/** What a start does, and what it has found. */
const START = `
  const { findBundle } = await import(process.argv[1] + '/config/bundle.js');
  const { mapStacks } = await import(process.argv[1] + '/config/bundle-lines.js');
  const bundle = findBundle(process.argv[1], process.argv[2]);
  if (bundle) mapStacks(bundle.file);
  const exported = bundle?.run() ?? {};
  const failed = await Promise.resolve().then(() => exported[process.argv[3]]?.('{')).catch((e) => e.stack);
  console.log(JSON.stringify({ isCached: bundle?.isCached, names: Object.keys(exported), failed }));
  process.exit(0);`;

async function start(name: string, failing = ''): Promise<Record<string, unknown>> {
  const flags = NODE_FLAGS[name as keyof typeof NODE_FLAGS] ?? [];
  const args = [...flags, '--input-type=module', '--eval', START, dist, name, failing];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as Record<string, unknown>;
}

// Without one: `npm run build`, as `nest build` alone makes none.
it.each([
  ['main', 'runApi'],
  ['worker', 'runWorker'],
  ['cli', 'runProgram'],
  ['launcher', 'launch'],
  ['compile-child', 'compileMessages'],
  ['detect-child', 'answerDetection'],
])('%s has a bundle of the modules that are there, with its cache', async (name, exported) => {
  const { isCached, names } = await start(name);
  expect(isCached).toBe(true);
  expect(names).toContain(exported);
});

it('names sources in stack traces', async () => {
  const { failed } = await start('detect-child', 'answerDetection');
  expect(failed).toMatch(
    /at (Object\.)?answerDetection \(\/.*\/src\/programs\/detect-child\.ts:\d+\)/,
  );
});

it('names classes in the log as the source does', async () => {
  const server = await MillraceServer.start();
  try {
    const said = server.processes.map((each) => each.output()).join('');
    const contexts = [...said.matchAll(/"context":"(\w+)"/g)].map(([, name]) => name);
    const modules = [...said.matchAll(/"(\w+) dependencies initialized/g)].map(([, name]) => name);
    expect(contexts).toEqual(expect.arrayContaining(['NestFactory', 'RoutesResolver']));
    expect(modules).toEqual(
      expect.arrayContaining(['AppModule', 'ExecutionsApiModule', 'ExecutionsWorkerModule']),
    );
    // What esbuild calls the second class of a name.
    expect([...contexts, ...modules].filter((name) => /\d$/.test(name ?? ''))).toEqual([]);
  } finally {
    await server.stop();
  }
});
