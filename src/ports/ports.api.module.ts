import { Module } from '@nestjs/common';
import { PortsController } from './ports.controller.js';
import { PortsModule } from './ports.module.js';
import { PortsService } from './ports.service.js';

/** The list of ports: for the API only. */
@Module({ imports: [PortsModule], controllers: [PortsController], providers: [PortsService] })
export class PortsApiModule {}
