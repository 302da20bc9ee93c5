import { compactJson } from '../codec/dcs/json.ts';
import type { Cluster, Member } from '../model/cluster.ts';
import type { HttpReply } from '../model/world.ts';
import { showMembers } from './choose.ts';
import { type Ctl, readCluster } from './doors.ts';
import { factsOf, isNofailover } from './facts.ts';
import { refuse } from './problem.ts';
import { askMember, codeAndText } from './request.ts';
import { confirm, prompt } from './terminal.ts';
import { type Appointment, inAnHour, readAppointment, stamp } from './time.ts';

export interface HandoverOptions {
  readonly action: 'switchover' | 'failover';
  readonly leader: string | null;
  readonly candidate: string | null;
  readonly scheduled: string | null;
  readonly force: boolean;
}

interface Handover {
  readonly action: HandoverOptions['action'];
  readonly leader: string | null;
  readonly candidate: string | null;
  readonly at: Appointment | null;
}

/** Planned (`switchover`) and manual (`failover`): asks, confirms, and has the leader's agent, or the candidate's, do it. */
export async function handover(ctl: Ctl, options: HandoverOptions): Promise<void> {
  const cluster = await readCluster(ctl);
  ctl.say('Current cluster topology');
  showMembers(ctl, cluster);
  const wanted = await ask(ctl, cluster, options);
  if (!options.force) await confirmHandover(ctl, cluster, wanted);
  const reply = await request(ctl, cluster, wanted);
  const now = stamp(ctl.doors.clock.wall());
  if (reply.kind === 'silent') {
    ctl.say(`${now} Could not ${wanted.action} using Patroni api, falling back to DCS`);
    await writeRequest(ctl, cluster, wanted);
  } else if (reply.status === 200 || reply.status === 202) {
    ctl.say(`${now} ${reply.body.trimEnd()}`);
  } else {
    const { status, text } = codeAndText(reply);
    const title = wanted.action === 'switchover' ? 'Switchover' : 'Failover';
    return ctl.say(`${title} failed, details: ${status}, ${text.trimEnd()}`);
  }
  showMembers(ctl, await readCluster(ctl));
}

async function ask(ctl: Ctl, cluster: Cluster, options: HandoverOptions): Promise<Handover> {
  const leader = options.action === 'switchover' ? await askLeader(ctl, cluster, options) : null;
  const candidate = await askCandidate(ctl, cluster, options);
  const at = options.action === 'switchover' ? await askTime(ctl, cluster, options) : null;
  return { action: options.action, leader, candidate, at };
}

async function askLeader(ctl: Ctl, cluster: Cluster, options: HandoverOptions): Promise<string> {
  const { leader, standbyCluster } = factsOf(cluster);
  if (leader === null) return refuse('This cluster has no leader');
  const question = standbyCluster ? 'Standby Leader' : 'Primary';
  const said = options.leader ?? (options.force ? leader : await prompt(ctl.doors.terminal, question, leader));
  return said === leader ? leader : refuse(`Member ${said} is not the leader of cluster ${ctl.scope}`);
}

async function askCandidate(ctl: Ctl, cluster: Cluster, options: HandoverOptions): Promise<string | null> {
  const { leader, synchronous } = factsOf(cluster);
  const { action, force } = options;
  const names = cluster.members
    .filter((member) => member.name !== leader && !isNofailover(member))
    .map(({ name }) => name)
    .sort();
  if (names.length === 0) refuse(`No candidates found to ${action} to`);
  const list = `[${names.map((name) => `'${name}'`).join(', ')}]`;
  const candidate = options.candidate ?? (force ? '' : await prompt(ctl.doors.terminal, `Candidate ${list}`, ''));
  if (candidate === '') {
    if (action === 'failover') refuse('Failover could be performed only to a specific candidate');
    return null;
  }
  if (candidate === leader) refuse(`Member ${candidate} is already the leader of cluster ${ctl.scope}`);
  if (!names.includes(candidate))
    refuse(`Member ${candidate} does not exist in cluster ${ctl.scope} or is tagged as nofailover`);
  const asynchronous = synchronous !== 'off' && cluster.sync?.members.includes(candidate) !== true;
  if (action === 'failover' && asynchronous && !force) {
    const question = `Are you sure you want to failover to the asynchronous node ${candidate}?`;
    if (!(await confirm(ctl.doors.terminal, question))) refuse('Aborting failover');
  }
  return candidate;
}

async function askTime(ctl: Ctl, cluster: Cluster, options: HandoverOptions): Promise<Appointment | null> {
  const example = inAnHour(ctl.doors.clock.wall());
  const question = `When should the switchover take place (e.g. ${example} ) `;
  const said = options.scheduled ?? (options.force ? 'now' : await prompt(ctl.doors.terminal, question, 'now'));
  const at = readAppointment(said);
  if (at !== null && factsOf(cluster).paused) refuse("Can't schedule switchover in the paused state");
  return at;
}

async function confirmHandover(ctl: Ctl, cluster: Cluster, { action, at }: Handover): Promise<void> {
  const { leader } = factsOf(cluster);
  const demoting = leader === null ? '' : `, demoting current leader ${leader}`;
  const question =
    at === null
      ? `Are you sure you want to ${action} cluster ${ctl.scope}${demoting}?`
      : `Are you sure you want to schedule switchover of cluster ${ctl.scope} at ${at.iso}${demoting}?`;
  if (!(await confirm(ctl.doors.terminal, question)))
    refuse(at === null ? `Aborting ${action}` : 'Aborting scheduled switchover');
}

async function request(ctl: Ctl, cluster: Cluster, wanted: Handover): Promise<HttpReply> {
  const member = memberNamed(cluster, factsOf(cluster).leader) ?? memberNamed(cluster, wanted.candidate);
  if (member === undefined) return { kind: 'silent', why: 'neither the leader nor the candidate has an agent' };
  const body = {
    ...(wanted.action === 'switchover' ? { leader: wanted.leader } : {}),
    candidate: wanted.candidate,
    ...(wanted.at === null ? {} : { scheduled_at: wanted.at.iso }),
  };
  const reply = await askMember(ctl, member, 'POST', `/${wanted.action}`, body);
  // Patroni before 1.7 knows one path for both.
  const ancient = reply.kind === 'answered' && reply.status === 501 && reply.body.includes('does not support');
  return ancient && wanted.action === 'switchover' ? askMember(ctl, member, 'POST', '/failover', body) : reply;
}

const memberNamed = (cluster: Cluster, name: string | null): Member | undefined =>
  cluster.members.find((member) => member.name === name);

async function writeRequest(ctl: Ctl, cluster: Cluster, { leader, candidate, at }: Handover): Promise<void> {
  const text = compactJson({
    leader: leader ?? undefined,
    member: candidate ?? undefined,
    scheduled_at: at?.iso,
  });
  const outcome = await ctl.door.put('failover', text, cluster.failover?.modRevision ?? 'any');
  if (outcome.kind !== 'done') refuse(`the failover key could not be written: ${outcome.why}`);
}
