import { setTimeout as sleep } from 'node:timers/promises';
import { hasName, valueOf } from '../../common/values/name-record.js';
import type { Read } from '../api/api-client.js';
import {
  acceptedDelivery,
  approvedDelivery,
  type Delivery,
  delivery,
  type DeliveryDecision,
  deliverySummary,
} from '../api/wire-readers.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';
import type { Terminal } from '../terminal/terminal.js';
import { renderDelivery, repositoryOf, subjectOf } from './delivery-view.js';
import { findDelivery } from './find-delivery.js';
import { findRepository } from './find-repository.js';
import { type PageFlags, printPage } from './list-page.js';
import { type ClientFlags, Session } from './session.js';

export interface DeliveryListFlags extends PageFlags {
  readonly repository?: string;
  readonly status?: string;
  readonly event?: string;
}

export interface ReplayFlags extends ClientFlags {
  readonly dryRun?: boolean;
}

export interface ApproveFlags extends ClientFlags {
  readonly pipeline: string;
  readonly commit: string;
}

/** A replay is decided by a worker: so long it is waited for, milliseconds. */
const DECIDED_MS = 10_000;
const POLL_MS = 250;

/** Webhooks that came in, newest first. */
export async function listDeliveries(
  flags: DeliveryListFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const { repository, status, event } = flags;
  const repositoryId =
    repository === undefined ? undefined : await findRepository(session.api, repository);
  const { moments } = session;
  return printPage(session, flags, {
    path: '/api/ci/deliveries',
    query: { repository_id: repositoryId, status, event },
    reader: deliverySummary,
    none: 'No such deliveries. Is the webhook right? ./millrace repositories check REPOSITORY',
    columns: [
      { title: 'ID', text: ({ id }) => id, narrow: 'id' },
      { title: 'EVENT', text: (each) => each.event },
      { title: 'OF', text: subjectOf, narrow: 'note' },
      { title: 'STATUS', text: (each) => each.status },
      { title: 'FROM', text: ({ forge, kind }) => (kind === 'forge' ? (forge ?? '') : kind) },
      { title: 'REPOSITORY', text: repositoryOf, narrow: 'note' },
      { title: 'CAME', text: ({ received_at }) => moments.ago(received_at) },
      {
        title: 'NOTE',
        text: ({ problem, reason, replay_of }) =>
          problem ?? reason?.message ?? (replay_of === null ? '' : `replay of ${replay_of}`),
        narrow: 'note',
      },
    ],
  });
}

/** What a delivery started, and why not more. */
export async function showDelivery(
  reference: string,
  flags: ClientFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const id = await findDelivery(session.api, reference);
  show(await readDelivery(session, id), session);
  return exitCodes.success;
}

/** Decides a delivery once more, and shows what came of it as soon as that is known. */
export async function replayDelivery(
  reference: string,
  { dryRun = false, ...flags }: ReplayFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const id = await findDelivery(session.api, reference);
  // Not sent twice: each one may start executions of its own.
  const { value } = await session.api.read(
    { method: 'POST', path: `/api/ci/deliveries/${id}/replay`, body: { dry_run: dryRun } },
    acceptedDelivery,
  );
  const replayed = await decided(session, value.delivery_id);
  show(replayed, session);
  if (replayed.value.status === 'received') {
    terminal.say(
      `It is not decided yet. See it later: ${session.commandLine(`deliveries show ${value.delivery_id}`)}`,
    );
  }
  return exitCodes.success;
}

async function decided(session: Session, id: string): Promise<Read<Delivery>> {
  const giveUpAt = performance.now() + DECIDED_MS;
  for (;;) {
    const found = await readDelivery(session, id);
    if (found.value.status !== 'received' || performance.now() > giveUpAt) return found;
    await sleep(POLL_MS);
  }
}

/** Starts what a pull request of another repository asks for, at the commit that was looked at. */
export async function approveDelivery(
  reference: string,
  { pipeline, commit, ...flags }: ApproveFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const id = await findDelivery(session.api, reference);
  const { value } = await readDelivery(session, id);
  const decision = decisionFor(value, pipeline);
  const request = {
    method: 'POST',
    path: `/api/ci/deliveries/${id}/approve`,
    body: { pipeline_id: decision.pipeline_id, commit: wholeCommit(decision, commit) },
    // A second approval of the same answers the same execution.
    repeatable: true,
  };
  const { value: approved, json } = await session.api.read(request, approvedDelivery);
  if (session.json) session.printJson(json);
  else terminal.print(`Approved. It runs as ${approved.execution_id}.`);
  return exitCodes.success;
}

/** A pipeline is named as its decision shows it, by its id, or by its file. */
function decisionFor({ decisions }: Delivery, name: string): DeliveryDecision {
  const found = decisions.filter(
    ({ pipeline_id, pipeline_name, path }) =>
      pipeline_id === name.toLowerCase() || pipeline_name === name || path === name,
  );
  const [only] = found;
  if (only && found.length === 1 && only.pipeline_id !== null) return only;
  const names = decisions.map(({ pipeline_name, path }) => `  ${path ?? pipeline_name}`);
  throw new CommandError(
    only
      ? `"${cleanText(name)}" may be any of ${found.length} pipelines of the delivery.`
      : `The delivery has no decision for a pipeline "${cleanText(name)}".`,
    only ? exitCodes.usage : exitCodes.notFound,
    names.length === 0 ? [] : ['It has these:', ...names],
  );
}

/** The beginning of a commit stands for the commit of the decision only. */
function wholeCommit({ reason }: DeliveryDecision, given: string): string {
  const commit = given.toLowerCase();
  const { data = {} } = reason;
  const waiting = hasName(data, 'commit') ? valueOf(data, 'commit') : undefined;
  return typeof waiting === 'string' && waiting.startsWith(commit) ? waiting : commit;
}

function readDelivery({ api }: Session, id: string): Promise<Read<Delivery>> {
  return api.read({ method: 'GET', path: `/api/ci/deliveries/${id}` }, delivery);
}

function show({ value, json }: Read<Delivery>, session: Session): void {
  const { terminal, moments } = session;
  if (session.json) session.printJson(json);
  else for (const line of renderDelivery(value, terminal, moments)) terminal.print(line);
}
