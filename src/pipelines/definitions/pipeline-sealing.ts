import { Injectable, type OnModuleInit } from '@nestjs/common';
import { clearFields, SealedPlaces } from '../../secrets/encryption/sealed-places.js';
import type { PipelineVersionDocument } from '../versions/pipeline-version.schema.js';
import type { PlanDocument } from '../versions/plan.schema.js';
import { isClear, planContext, sealedPlan } from '../versions/plans.repository.js';
import { sealedVersion, VERSION_TEXTS, versionContext } from '../versions/sealed-version.js';
import type { PipelineDocument } from './pipeline.schema.js';
import { PIPELINE_TEXTS, pipelineContext, sealedTexts } from './stored-pipeline.js';

/** Tells where pipelines, their versions and plans hold something sealed. */
@Injectable()
export class PipelineSealing implements OnModuleInit {
  constructor(private readonly places: SealedPlaces) {}

  onModuleInit(): void {
    this.places.register({
      collection: 'plans',
      texts: [{ path: 'plan', context: planContext }],
      clear: {
        fields: [],
        change: (keyring, document) => {
          const { _id, plan } = document as unknown as PlanDocument;
          if (!isClear(plan)) return undefined;
          return {
            filter: { _id, plan },
            update: { $set: { plan: sealedPlan(keyring, { _id, plan }).plan } },
          };
        },
      },
    });
    this.places.register({
      collection: 'pipeline_versions',
      texts: [{ path: 'sealed', context: versionContext }],
      clear: clearFields(
        VERSION_TEXTS,
        (keyring, document) =>
          sealedVersion(keyring, document as unknown as PipelineVersionDocument).sealed,
      ),
    });
    this.places.register({
      collection: 'pipelines',
      texts: [{ path: 'sealed', context: pipelineContext }],
      clear: clearFields(
        PIPELINE_TEXTS,
        (keyring, document) => sealedTexts(keyring, document as unknown as PipelineDocument),
        ['version', 'plan_hash'],
      ),
    });
  }
}
