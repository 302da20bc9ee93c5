import { noFailover, writeFailover } from '../../codec/dcs/failover.ts';
import { requiredBody } from '../../codec/rest/body.ts';
import { type HandoverRequest, readHandover } from '../../codec/rest/handover.ts';
import type { AgentHandles } from '../../model/agent.ts';
import { later } from '../../model/units.ts';
import { type Choice, candidatesFor, goodCandidates } from '../candidates.ts';
import { type ApiRequest, page, type Reply, text } from '../reply.ts';

export interface HandoverDeps {
  readonly handles: AgentHandles;
  sleep(ms: number): Promise<void>;
}

const pollMs = 100;
/** As long as a member that was never asked, or is being asked, is waited for. */
const peersLimitMs = 2_500;

/** POST /switchover and /failover: asks by the failover key, as ctl would, and watches how it goes. */
export async function handOver(
  path: HandoverRequest['action'],
  asked: ApiRequest,
  { handles, sleep }: HandoverDeps,
): Promise<Reply> {
  const body = requiredBody(asked.body);
  if (body.kind === 'bad') return page(body.status, body.why);
  const paused = handles.snapshot()?.seen.settings.cluster.pause ?? false;
  const read = readHandover(path, body.document, { nowMs: handles.wallMs(), paused });
  if (read.kind === 'refused') return text(read.status, read.text);
  const { request } = read;
  let leader = request.leader;
  if (request.at === null) {
    const view = await handles.dcs.read();
    if (view.kind === 'unreachable') return text(503, `etcd does not answer: ${view.why}`);
    const choice = candidatesFor(request, view.cluster);
    if (choice.kind === 'refused') return text(choice.status, choice.text);
    if (!(await oneIsGood(choice.members, { handles, sleep })))
      return text(412, `${request.action} is not possible: no good candidates have been found`);
    leader = view.cluster.leader?.name ?? null;
  }
  const { candidate, at } = request;
  const written = await handles.dcs.put(
    'failover',
    writeFailover({ leader: request.leader, candidate, scheduledAt: at }),
    'any',
  );
  if (written.kind !== 'done') return text(503, 'failed to write failover key into DCS');
  handles.wake('failover');
  return at === null ? watch(request, leader, { handles, sleep }) : text(202, 'Switchover scheduled');
}

async function oneIsGood(
  members: Extract<Choice, { kind: 'ok' }>['members'],
  { handles, sleep }: HandoverDeps,
): Promise<boolean> {
  const beganMs = handles.now();
  const endMs = later(beganMs, peersLimitMs);
  for (;;) {
    const snapshot = handles.snapshot();
    const { good, undecided } = goodCandidates(members, snapshot, handles.now(), beganMs);
    if (good.length > 0) return true;
    if (!undecided || handles.now() >= endMs) return false;
    handles.askPeers();
    // The answers are in the next snapshot.
    handles.wake('peers');
    await sleep(pollMs);
  }
}

/** Over when another leader is there, or the request is gone and the leader is the same. */
async function watch(
  { action, candidate }: HandoverRequest,
  before: string | null,
  { handles, sleep }: HandoverDeps,
): Promise<Reply> {
  const [verb, title] = action === 'switchover' ? ['switched', 'Switchover'] : ['failed', 'Failover'];
  const loopWaitMs = handles.snapshot()?.seen.settings.cluster.loopWaitMs ?? 10_000;
  const endMs = later(handles.now(), 2 * Math.max(10_000, loopWaitMs));
  while (handles.now() < endMs) {
    await sleep(pollMs);
    const view = await handles.dcs.read();
    if (view.kind === 'unreachable') continue;
    const { leader, failover } = view.cluster;
    if (leader === null) continue;
    if (leader.name !== before)
      return candidate === null || candidate === leader.name
        ? text(200, `Successfully ${verb} over to "${leader.name}"`)
        : text(200, `${verb === 'failed' ? 'Failed' : 'Switched'} over to "${leader.name}" instead of "${candidate}"`);
    if (failover === null) return text(503, `${title} failed`);
  }
  return text(503, `${title} status unknown`);
}

/** DELETE /switchover: takes a scheduled one back. */
export async function cancelSwitchover({ dcs, wake }: Pick<AgentHandles, 'dcs' | 'wake'>): Promise<Reply> {
  const view = await dcs.read();
  if (view.kind === 'unreachable') return page(503, `etcd does not answer: ${view.why}`);
  const { failover } = view.cluster;
  if (failover === null || failover.scheduledAt === null) return text(404, 'no switchover is scheduled');
  const written = await dcs.put('failover', noFailover, failover.modRevision);
  if (written.kind === 'refused') return page(409);
  if (written.kind !== 'done') return page(503, `etcd does not answer: ${written.why}`);
  wake('failover');
  return text(200, 'scheduled switchover deleted');
}
