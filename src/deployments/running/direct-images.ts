import type { DeployedImage } from '../../executions/attempt/steps/deployer.js';
import { settledImage } from '../../executions/attempt/steps/deployed-images.js';
import { imageRefused } from '../../executions/attempt/steps/image-refused.js';
import { RegistryAccess } from '../../executions/attempt/steps/registry-access.js';
import { RunImages } from '../../executions/attempt/steps/run-images.js';
import type { StepOutcome } from '../../engine/runtime/step-handler.js';
import type { ContainerRuntime } from '../../integrations/container-runtime/container-runtime.js';
import type { ContainerSettings, DirectRequest } from '../record/deployment.js';
import { DeployRefusedError, TargetAwayError } from '../targets/deploy-target.js';
import { orAway } from '../targets/or-away.js';

/** The images of direct deployments: pulled as those of steps are, but without any log-in. */
export class DirectImages {
  constructor(
    private readonly runtime: ContainerRuntime,
    /** Registries that images may come from, normalised; undefined: any. */
    private readonly registries: readonly string[] | undefined,
  ) {}

  /**
   * With its image, and the port that it says where nobody did.
   *
   * @param keep sees to it that the image stays; it is needed by nobody else behind this
   * @throws DeployRefusedError, TargetAwayError, the reason of the signal
   */
  async find(
    deploymentId: string,
    settings: ContainerSettings,
    { pull, port }: NonNullable<DirectRequest['image']>,
    keep: (settings: ContainerSettings) => Promise<void>,
    tell: (line: string) => void,
    signal: AbortSignal,
  ): Promise<ContainerSettings> {
    if (settings.image_id !== '') return settings;
    const { image: name, gate } = settings;
    const images = new RunImages(this.runtime, deploymentId, RegistryAccess.none, this.registries);
    try {
      const found = await orAway(images.find({ image: name, pull }, tell, signal));
      if (found.kind === 'refused') throw problemOf(imageRefused(found.refusal, name));
      const said = { gate, ...(port !== undefined && { port }) };
      const settled = imageOf(settledImage(said, name, found.image, undefined));
      for (const line of settled.detected) tell(`found: ${line}`);
      const whole = { ...settings, image_id: settled.image.id, port: settled.port };
      await keep(whole);
      return whole;
    } finally {
      await orAway(this.runtime.sweep(deploymentId));
    }
  }
}

function imageOf(settled: DeployedImage | StepOutcome): DeployedImage {
  if ('kind' in settled) throw problemOf(settled);
  return settled;
}

/** As what a step would end with. */
function problemOf(outcome: StepOutcome): Error {
  if (outcome.kind === 'infrastructure') return new TargetAwayError(outcome.reason);
  if (outcome.kind === 'failed' && outcome.reason !== undefined) {
    return new DeployRefusedError(outcome.reason);
  }
  return new Error(`an image ended as ${outcome.kind}`);
}
