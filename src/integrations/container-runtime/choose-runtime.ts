import { absentParts, type EngineParts } from './engine-parts.js';
import { EngineProver, type ProverOptions } from './engine-prover.js';

/**
 * The engine that steps run on for as long as this process lives, or what says why there is none.
 * Never rejects. Whoever has it closes its runtime.
 */
export async function chooseRuntime(options: ProverOptions): Promise<EngineParts> {
  const prover = new EngineProver(options);
  const proof = await prover.prove();
  if (proof.kind === 'fit') return proof.parts;
  await prover
    .close()
    .catch((error: unknown) => options.report('the engine was not let go', error));
  return absentParts(proof.reason);
}
