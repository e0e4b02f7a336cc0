import { Injectable, Module } from '@nestjs/common';
import { readFileSync } from 'node:fs';
import { AddressPolicy } from '../../common/net/address-policy.js';
import { CheckedHttp } from '../../common/net/checked-http.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import { Forge, type ForgeAccess, ForgeError, Forges } from './forge.js';
import { giteaRest, githubRest } from './rest-dialects.js';
import { RestForge } from './rest-forge.js';

const TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

@Injectable()
export class RestForges extends Forges {
  private readonly http: CheckedHttp;

  constructor({ allowPrivateUrls, gitCaFile }: MillraceConfig) {
    super();
    this.http = new CheckedHttp(new AddressPolicy(allowPrivateUrls), {
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_ANSWER_BYTES,
      ...(gitCaFile !== undefined && { ca: readFileSync(gitCaFile, 'utf8') }),
    });
  }

  at(access: ForgeAccess): Forge {
    switch (access.kind) {
      case 'github':
        return new RestForge(githubRest, access, this.http);
      case 'gitea':
        return new RestForge(giteaRest, access, this.http);
      case 'gitlab':
        throw new ForgeError('refused', 'Of GitLab only webhooks are used.');
    }
  }
}

/** The APIs of forges. */
@Module({
  providers: [{ provide: Forges, useClass: RestForges }],
  exports: [Forges],
})
export class ForgeModule {}
