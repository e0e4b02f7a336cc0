import { Body, Controller, HttpCode, Post, UseGuards, UseInterceptors } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Requires } from '../auth/policy/requires.decorator.js';
import { NotAudited } from '../common/audit/audited.decorator.js';
import { ApiErrors, EXAMPLE_ID, BodyExample } from '../common/http/api-documentation.js';
import { Consumes } from '../common/http/consumes.js';
import { MillraceConfig } from '../config/millrace-config.js';
import type { DetectionView } from '../detection/detection-view.js';
import { CompileLimitGuard } from '../integrations/rate-limit/compile-limit.guard.js';
import { RepositoriesService, noRepository } from '../repositories/repositories.service.js';
import { askedRepository } from './asked-repository.js';
import { problemError } from './detection-problem.js';
import { DetectRepositoryDto, DetectUploadDto, DetectUploadForm } from './dto/detect.dto.js';
import { DetectionResponse } from './dto/detection.response.js';
import { FolderDetector } from './folder-detector.js';
import { RepositoryDetections, noWorker, takesLonger } from './repository-detections.js';
import {
  ProjectUploadInterceptor,
  UploadedProject,
  tooManyArchives,
} from './upload/project-upload.interceptor.js';
import { archiveRefused } from './upload/unpack-project.js';
import { takesTooLong, noArchive } from './upload/project-upload.js';
import { ArchiveError } from '../common/archive/archive-error.js';

const NEVER_STOPPED = new AbortController().signal;

/** What goes wrong most often, for examples. */
const NO_BRANCH = { code: 'git_ref_not_found', message: 'There is no such branch.' } as const;
const UNREACHABLE = {
  code: 'git_unreachable',
  message: 'The server of the repository does not answer.',
} as const;
const NOT_DETECTED = { code: 'failed', message: 'The project could not be detected.' } as const;
const DAMAGED = new ArchiveError('damaged', 'The archive is damaged.');

@ApiTags('projects')
@ApiBearerAuth()
@Controller('detect')
export class DetectionsController {
  constructor(
    private readonly config: MillraceConfig,
    private readonly repositories: RepositoriesService,
    private readonly detections: RepositoryDetections,
    private readonly folders: FolderDetector,
  ) {}

  @Post()
  @Requires('projects:detect')
  @NotAudited('stores nothing')
  @UseGuards(CompileLimitGuard)
  @HttpCode(200)
  @BodyExample({ repository: 'https://github.com/acme/shop.git', branch: 'main' })
  @ApiOperation({
    summary: 'What kind of project a repository holds, how it is built and started, and why',
    description:
      'A worker clones one commit of it, and nothing of it is run or stored. Exactly one of `repository` and `repository_id`. 504 with `still_cloning`: ask again in a minute. 503 with `no_worker`: nobody is there who could clone.',
  })
  @ApiOkResponse({ type: DetectionResponse })
  @ApiErrors(
    400,
    401,
    noRepository(EXAMPLE_ID),
    problemError(NO_BRANCH),
    problemError(NOT_DETECTED),
    problemError(UNREACHABLE),
    noWorker('No worker runs.'),
    takesLonger(),
  )
  async repository(@Body() body: DetectRepositoryDto): Promise<DetectionView> {
    const connectedUrl = async (id: string): Promise<string> =>
      (await this.repositories.get(id.toLowerCase())).clone_url;
    return this.detections.detect(await askedRepository(body, this.config, connectedUrl));
  }

  @Post('upload')
  @Requires('projects:detect')
  @NotAudited('stores nothing')
  @UseGuards(CompileLimitGuard)
  @UseInterceptors(ProjectUploadInterceptor)
  @Consumes('multipart/form-data')
  @HttpCode(200)
  @ApiOperation({
    summary: 'What kind of project an archive holds, how it is built and started, and why',
    description:
      'A tar, compressed by gzip or not, in the field `archive` or `file`; unpacked for a moment, at most 50,000 entries and twenty times MAX_UPLOAD_SIZE.',
  })
  @ApiBody({ type: DetectUploadForm })
  @ApiOkResponse({ type: DetectionResponse })
  @ApiErrors(noArchive(), 401, 413, 415, archiveRefused(DAMAGED), tooManyArchives(), takesTooLong())
  async upload(
    @UploadedProject() root: string,
    @Body() { path, type }: DetectUploadDto,
  ): Promise<DetectionView> {
    const choice = { ...(path !== undefined && { path }), ...(type !== undefined && { type }) };
    const end = await this.folders.detect({ root, ...choice }, NEVER_STOPPED);
    if (end.kind === 'problem') throw problemError(end.problem);
    return end.detection;
  }
}
