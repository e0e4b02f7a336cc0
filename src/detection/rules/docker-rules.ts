import { CandidateDraft } from '../candidate.js';
import { assumed, type Choice, type Fact, factOf, known, unknown } from '../evidence.js';
import { type DockerInstruction, lastStage, readDockerfile } from '../manifests/dockerfile.js';
import type { ProjectRules } from './project-rules.js';

const NAMES = ['Dockerfile', 'Containerfile'];
const COMPOSE_NAMES = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];

/** Projects with a Dockerfile. */
export const dockerRules: ProjectRules = {
  type: 'docker',
  async examine(files) {
    const names = await files.filesOf();
    const name = NAMES.find((one) => names.includes(one));
    if (name === undefined) return undefined;
    const draft = new CandidateDraft('docker');
    const file = files.pathOf(name);
    const stage = lastStage(readDockerfile((await files.text(name)) ?? ''));
    const [from] = stage;
    if (from === undefined) {
      draft.add('dockerfile', file, 1, 0.1, 'a Dockerfile without FROM, which builds nothing');
      return draft.end();
    }
    const source = draft.add('dockerfile', file, from.line, 0.8, 'a Dockerfile builds an image');
    draft.set('build_command', known(`docker build -f ${name} .`, source));
    draft.set('install_command', unknown('The build installs what it needs.'));
    const ports = stage
      .filter((one) => one.name === 'EXPOSE')
      .flatMap(({ value, line }): Choice[] =>
        value.split(/\s+/).flatMap((one) => {
          const port = /^(\d+)(?:\/tcp)?$/.exec(one)?.[1];
          return port === undefined
            ? []
            : [{ value: port, source: { rule: 'dockerfile-expose', file, line } }];
        }),
      );
    draft.set('port', factOf(ports, 'The image exposes several ports.', unknown('No EXPOSE.')));
    draft.set('health_path', healthOf(stage, file, ports));
    const starts = stage.findLast((one) => one.name === 'CMD' || one.name === 'ENTRYPOINT');
    if (starts !== undefined) {
      const { line } = starts;
      draft.add('dockerfile-command', file, line, 0.3, 'the image says what it runs');
      draft.purpose = 'service';
      draft.set('start_command', unknown('The image says it.'));
    } else draft.set('start_command', unknown('It is what the image below says, if anything.'));
    return draft.end();
  },
};

/** A URL of the container itself that is written out: no variable is in it. */
const OWN_URL =
  /\b(https?):\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::(\d+))?(\/[^\s"'|&;)$`]*)?(?=[\s"'|&;)]|$)/;
/** Programs that fail where the answer is an error. */
const FAILS_ON_ERRORS =
  /\bwget\b|\bcurl\b.*[\s,"'](?:--fail(?:-with-body)?|-[A-Za-z]*f[A-Za-z]*)\b/;
const HTTP = '80';

/** The path that a HEALTHCHECK of the image asks of itself, where it names a URL. */
function healthOf(
  stage: readonly DockerInstruction[],
  file: string,
  ports: readonly Choice[],
): Fact {
  const check = stage.findLast(({ name }) => name === 'HEALTHCHECK');
  const url = OWN_URL.exec(check?.value ?? '');
  if (check === undefined || url === null) return unknown('No HEALTHCHECK asks for a URL.');
  const [, scheme, port = HTTP, path = '/'] = url;
  if (scheme !== 'http') return assumed(path, 'Its HEALTHCHECK asks for it by HTTPS.');
  if (ports.length > 0 && !ports.some(({ value }) => value === port)) {
    return unknown(`Its HEALTHCHECK asks at port ${port}, which it does not expose.`);
  }
  if (!FAILS_ON_ERRORS.test(check.value)) {
    return assumed(path, 'Its HEALTHCHECK does not say which status is healthy.');
  }
  return known(path, { rule: 'dockerfile-healthcheck', file, line: check.line });
}

/** Projects with a file of Docker Compose. */
export const composeRules: ProjectRules = {
  type: 'compose',
  async examine(files) {
    const names = await files.filesOf();
    const name = COMPOSE_NAMES.find((one) => names.includes(one));
    if (name === undefined) return undefined;
    const services = (await files.yaml(name))?.at('services');
    if (services === undefined || services.entries.length === 0) return undefined;
    const draft = new CandidateDraft('compose');
    const file = files.pathOf(name);
    const list = services.entries.map(([service]) => service).join(', ');
    const source = draft.add('compose-file', file, services.line, 0.8, `it has services: ${list}`);
    draft.purpose = 'service';
    draft.set('start_command', known(`docker compose -f ${name} up`, source));
    return draft.end();
  },
};
