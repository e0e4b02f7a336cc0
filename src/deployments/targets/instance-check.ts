import type { CommandEnd } from '../../common/values/command-end.js';
import { quoted } from '../../common/values/redact-urls.js';
import type { InstanceCheck } from '../../engine/steps/deploy/deploy-action.js';
import type { ProbeResult } from '../../service-registry/checks/service-check.js';
import type { InstanceState } from './release-instances.js';

/** Characters of a line that is shown. */
const SHOWN = 300;
/** Of the output of a HEALTHCHECK an engine keeps the first bytes, so many. */
const ENGINE_KEEPS = 4096;

/** Hides what nobody may read; asked of what fails alone, for it reads the secrets of a release. */
type Mask = (text: string) => Promise<string>;

/** What comes of a command that was run in an instance. */
export async function commandResult(
  end: CommandEnd | undefined,
  { timeoutMs }: Pick<InstanceCheck, 'timeoutMs'>,
  mask: Mask,
): Promise<ProbeResult> {
  const failed = async (how: string, said: string, code: 'command_failed' | 'command_late') => {
    const line = lastLine(await mask(said));
    return { ok: false, code, message: line === '' ? how : `${how}: ${line}` } as const;
  };
  switch (end?.kind) {
    case undefined:
      return { ok: false, code: 'instance_gone', message: 'the instance that serves does not run' };
    case 'exited': {
      if (end.code === 0) return { ok: true };
      return failed(`it ended with exit code ${end.code}`, end.said, 'command_failed');
    }
    case 'signalled':
      return failed(`it was ended by ${end.signal}`, end.said, 'command_failed');
    case 'late': {
      const how = end.isEnded ? 'killed' : 'which could not be killed; none other is begun';
      return failed(
        `it did not end within ${timeoutMs / 1000} s, ${how}`,
        end.said,
        'command_late',
      );
    }
    case 'not_started':
      return failed('it could not be started', end.message, 'command_failed');
  }
}

/** What comes of what the engine says of a container. */
export async function containerResult(
  state: InstanceState | undefined,
  mask: Mask,
): Promise<ProbeResult> {
  if (state === undefined) {
    const message = 'the engine has no container of the release that serves';
    return { ok: false, code: 'instance_gone', message };
  }
  const { container } = state;
  if (container === undefined) {
    const message = 'the instance is no container, so no engine says anything of it';
    return { ok: null, code: 'not_askable', message };
  }
  if (state.state !== 'running') {
    const how = `${state.end} (the engine says: ${container.said})`;
    return { ok: false, code: 'container_not_running', message: how };
  }
  if (container.said !== 'running') {
    const message = `the engine says that it is ${container.said}`;
    return { ok: false, code: 'container_not_running', message };
  }
  if (container.health?.status !== 'unhealthy') return { ok: true };
  const line = lastLine(await mask(uncut(container.health.output)));
  const message = 'its HEALTHCHECK says that it is unhealthy';
  const shown = line === '' ? message : `${message}: ${line}`;
  return { ok: false, code: 'container_unhealthy', message: shown };
}

/** Without the line in which the engine has cut it: of a secret that is cut nothing is known. */
function uncut(output: string): string {
  if (Buffer.byteLength(output) < ENGINE_KEEPS) return output;
  return output.slice(0, Math.max(output.lastIndexOf('\n'), output.lastIndexOf('\r'), 0));
}

function lastLine(text: string): string {
  const lines = text.split(/[\r\n]+/).map((line) => line.trim());
  return quoted(lines.findLast((line) => line !== '') ?? '', SHOWN);
}
