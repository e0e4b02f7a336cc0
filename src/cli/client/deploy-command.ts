import type { Command } from 'commander';
import { uuidV7 } from '../../common/ids/uuid.js';
import { type NameRecord, nameRecord } from '../../common/values/name-record.js';
import { SourceText } from '../../engine/yaml/source-text.js';
import { parseYamlTree, type YamlNode } from '../../engine/yaml/yaml-tree.js';
import type { ApiClient } from '../api/api-client.js';
import { deployment } from '../api/wire-readers.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { wholeNumber } from '../command/option-values.js';
import { readSource } from '../command/read-source.js';
import { cleanText } from '../terminal/clean-text.js';
import type { Terminal } from '../terminal/terminal.js';
import { addClientOptions, type Done } from './client-options.js';
import { SERVICE, serviceOf, untilDone } from './deployment-commands.js';
import { findExecution } from './find-execution.js';
import { type ClientFlags, Session } from './session.js';

const MAX_PORT = 65_535;
/** An image may have to be pulled, and the gate may take minutes. */
const WAIT_MS = 900_000;

export interface DeployFlags extends ClientFlags {
  readonly service?: string;
  readonly port?: number;
  readonly publish?: number;
  readonly domain?: string;
  readonly file?: string;
  readonly artifact?: string;
  readonly host?: string;
}

/** Deploys what no step does: an image, or what a file says. */
export function addDeployCommand(program: Command, terminal: Terminal, setExitCode: Done): void {
  addClientOptions(
    program
      .command('deploy')
      .description('Put an image, or an artifact of an execution, into service')
      .argument('[image]', 'such as registry.example/shop:1.4.2')
      .option('-s, --service <service>', `of an image: ${SERVICE}`)
      .option('--port <number>', 'of an image: where it listens inside', wholeNumber(1, MAX_PORT))
      .option(
        '--publish <number>',
        'of an image: where it is reached, on 127.0.0.1',
        wholeNumber(1, MAX_PORT),
      )
      .option('--domain <name>', 'of an image: where it is reached')
      .option('-f, --file <file>', 'the map of `deploy` of a step, instead of an image; - = stdin')
      .option('--artifact <artifact>', 'of a file: EXECUTION/NAME, whose files are deployed')
      .option('--host <name>', 'of a new service: on which host'),
  ).action(async (image: string | undefined, flags: DeployFlags) => {
    setExitCode(await deploy(image, flags, terminal));
  });
}

/** Asks for it, and waits for its end, which is the exit code. */
async function deploy(
  image: string | undefined,
  flags: DeployFlags,
  terminal: Terminal,
): Promise<number> {
  const asked = await deployOf(image, flags);
  const session = Session.open(flags, terminal);
  const { artifact, host } = flags;
  const body = {
    deploy: asked,
    ...(artifact !== undefined && { artifact: await artifactOf(session.api, artifact) }),
    ...(host !== undefined && { host }),
  };
  // By the key the server knows a second request of ours again: nothing is deployed twice.
  const headers = { 'idempotency-key': uuidV7() };
  const request = { method: 'POST', path: '/api/deployments', body, headers, repeatable: true };
  const first = await session.api.read(request, deployment);
  if (!session.json) terminal.say(`deployment ${cleanText(first.value.deployment_id)}`);
  return untilDone(session, first, WAIT_MS);
}

/** The map of `deploy`. @throws CommandError */
export async function deployOf(
  image: string | undefined,
  { service, port, publish, domain, file, artifact }: DeployFlags,
): Promise<unknown> {
  const ofImage = [service, port, publish, domain].some((one) => one !== undefined);
  if (file !== undefined) {
    if (image === undefined && !ofImage) return deployIn(await readSource(file), file);
    throw usage('With --file, the file says what is deployed: no image, and no option of one.');
  }
  if (image === undefined) throw usage('Name an image, or a --file.');
  if (service === undefined) throw usage('Of which service is the image? Add --service NAME.');
  if (artifact !== undefined) throw usage('An image has no artifact: that is of a --file.');
  if (publish !== undefined && domain !== undefined) {
    throw usage('A service has a port of the host (--publish), or a --domain.');
  }
  const { environment, service: name } = serviceOf(service);
  return {
    ...{ type: 'docker_container', service: name, environment, image },
    ...(port !== undefined && { port }),
    ...(publish !== undefined && { publish }),
    ...(domain !== undefined && { publish: { domain } }),
  };
}

/** Of a file that holds the map itself, or below its key. @throws CommandError */
function deployIn(text: string, file: string): unknown {
  const { root, problems } = parseYamlTree(text);
  const [problem] = problems;
  if (problem !== undefined || root === undefined) {
    const { line, column } = new SourceText(text).position(problem?.offset ?? 0);
    const message = problem?.message ?? 'There is nothing in it.';
    throw new CommandError(`${cleanText(file)}:${line}:${column}: ${message}`, exitCodes.usage);
  }
  const below = root.kind === 'map' && root.entries.find(({ key }) => key === 'deploy');
  return plainOf(below ? below.value : root);
}

/** As it is written: 1.10 stays that, and is no 1.1. */
function plainOf(node: YamlNode): unknown {
  switch (node.kind) {
    case 'list':
      return node.items.map(plainOf);
    case 'map':
      return mapOf(node.entries);
    case 'scalar': {
      const isOther = typeof node.value === 'number' && String(node.value) !== node.text;
      return isOther ? node.text : node.value;
    }
  }
}

function mapOf(entries: Extract<YamlNode, { kind: 'map' }>['entries']): NameRecord<unknown> {
  return nameRecord(entries.map(({ key, value }) => [key, plainOf(value)] as const));
}

/** Of `EXECUTION/NAME`. @throws CommandError */
async function artifactOf(
  api: ApiClient,
  text: string,
): Promise<{ readonly execution_id: string; readonly name: string }> {
  const at = text.lastIndexOf('/');
  if (at < 1 || at === text.length - 1) {
    throw usage(`An artifact is EXECUTION/NAME, as shop#42/site; not ${cleanText(text)}.`);
  }
  const execution_id = await findExecution(api, text.slice(0, at));
  return { execution_id, name: text.slice(at + 1) };
}

function usage(message: string): CommandError {
  return new CommandError(message, exitCodes.usage, ['See ./millrace deploy --help']);
}
