import { type Job, stillRuns } from '../../../model/job.ts';
import type { ReplicaMethod } from '../../../model/settings.ts';
import { must, setStandbySignal, writePassfile } from '../configure.ts';
import { controlStamp, mark, readMark, unmark } from '../marker.ts';
import { cancelled, failed, type JobContext, type JobResult, type PostgresParts } from '../parts.ts';
import { isKept } from './aside.ts';
import { baseBackup } from './baseBackup.ts';
import { emptyData } from './emptyData.ts';
import { identityOf } from './identity.ts';
import { claimEmptyOutside, emptyClaimed } from './outside.ts';
import { type CommandMethod, closeToOthers, flush, replicaCommand, runsHere, whyIsNoCopy } from './replicaCommand.ts';
import { reportBefore } from './report/report.ts';
import { whyNotGivenUp } from './source.ts';
import { endStrays } from './strays.ts';

type Clone = Extract<Job, { kind: 'clone' }>;
/** What is known right before something is done: whose data it is to be, or why nothing is done. */
type Ground =
  | { readonly kind: 'firm'; readonly systemId: string | null }
  | { readonly kind: 'gone'; readonly why: string };

/** One way after the other, until a copy is there. Nothing is touched here before it is known that one may come. */
export async function clone(parts: PostgresParts, context: JobContext, job: Clone): Promise<JobResult> {
  const methods = methodsFor(parts, job);
  if (methods.length === 0) return failed('no method of postgresql.create_replica_methods works without a leader');
  const stray = await endStrays(parts);
  if (stray !== null) return failed(stray);
  const ends = job.over === undefined ? await endsIfNotEmpty(parts) : await giveUp(parts, context, job);
  if (ends !== null) return ends;
  if (job.from !== null) await writePassfile(parts, job.from.host, job.from.port);
  const failures = new Set<string>();
  for (const method of methods) {
    // A method that failed may have taken hours, and what it left is emptied for the next one.
    const refusal = await context.premise(job.premise);
    if (refusal !== null) return failed([...failures, refusal].join('; '));
    const ground = await groundOf(parts, method, job);
    const result =
      ground.kind === 'gone'
        ? failed(ground.why)
        : await attempt(parts, context, method, { job, systemId: ground.systemId });
    if (result.ended !== 'failed') return result;
    failures.add(result.error ?? method.kind);
    if (context.signal.aborted) return cancelled;
    if (method !== methods.at(-1))
      parts.note('warning', 'no copy yet: the next method is tried', [['why', result.error]]);
    if (await runsHere(parts)) break;
  }
  return failed([...failures].join('; '));
}

function methodsFor(parts: PostgresParts, { from, onlyBasebackup }: Clone): readonly ReplicaMethod[] {
  if (onlyBasebackup === true) return [{ kind: 'basebackup' }];
  const { replicaMethods } = parts.settings().postgres;
  return from === null ? replicaMethods.filter((one) => one.kind === 'command' && one.noLeader) : replicaMethods;
}

/** Whom it is copied from is this cluster's, and there. What needs no member may do without, but not over what was given up for that member's. */
async function groundOf(parts: PostgresParts, method: ReplicaMethod, { from, over, premise }: Clone): Promise<Ground> {
  const needsNobody = method.kind === 'command' && method.noLeader && premise.systemId !== null && over === undefined;
  if (from === null || needsNobody) return { kind: 'firm', systemId: premise.systemId };
  const source = await identityOf(parts, from, premise.systemId);
  return source.kind === 'ours' ? { kind: 'firm', systemId: source.systemId } : { kind: 'gone', why: source.why };
}

async function endsIfNotEmpty(parts: PostgresParts): Promise<JobResult | null> {
  const { dataDir } = parts.places();
  const listing = await parts.world.files.list(dataDir);
  if (listing.kind === 'unreadable') return failed(`${dataDir}: ${listing.why}`);
  const names = listing.kind === 'entries' ? listing.names : [];
  return names.some((name) => !name.startsWith('.') && !isKept(name))
    ? failed(`${dataDir} is not empty: nothing is copied over existing data`)
    : null;
}

/** As before data is removed: nothing of it is touched while its leader may be the one that is gone. */
async function giveUp(parts: PostgresParts, context: JobContext, job: Clone): Promise<JobResult | null> {
  const leader = job.over ?? null;
  if (await runsHere(parts)) return failed(stillRuns);
  const goesOn = (await readMark(parts))?.over !== undefined;
  const report = leader === null || goesOn ? null : await reportBefore(parts, context, 'removal', leader);
  if (report !== null && report.ends !== null) return report.ends;
  const why =
    (await context.premise(job.premise)) ??
    (await whyNotGivenUp(parts, { premise: job.premise, copyFrom: job.from }, leader));
  if (why !== null) return failed(why);
  await report?.done('given up: a fresh copy goes over it');
  return null;
}

interface Attempt {
  readonly job: Clone;
  readonly systemId: string | null;
}

async function attempt(
  parts: PostgresParts,
  context: JobContext,
  method: ReplicaMethod,
  { job, systemId }: Attempt,
): Promise<JobResult> {
  if (method.kind === 'unusable') return failed(`postgresql.create_replica_methods: ${method.why}`);
  if (method.kind === 'basebackup') {
    if (job.from === null) return failed('pg_basebackup needs a member to copy from');
    await makeRoom(parts, job);
    const result = await baseBackup(parts, context, job.from);
    if (result.ended !== 'done') return result;
    // A tool of an agent before this one may have been at work beside it, and taken away as it failed what this one had written.
    const why = await whyIsNoCopy(parts, 'pg_basebackup', systemId);
    return why === null ? takeOver(parts, result) : failed(why);
  }
  const claimed = method.keepData || job.from === null ? [] : await claimEmptyOutside(parts, job.from);
  if (!method.keepData) await makeRoom(parts, job);
  await mark(parts, 'basebackup', method.keepData ? { over: await controlStamp(parts) } : { claimed });
  const result = await replicaCommand(parts, context, method, job.from);
  if (result.ended !== 'done') return leave(parts, method, { job, result });
  if (await runsHere(parts))
    return failed(
      `${method.name} left a server running on ${parts.places().dataDir}: stop it; the agent starts it itself`,
    );
  const why = await whyIsNoCopy(parts, method.name, systemId);
  if (why !== null) return leave(parts, method, { job, result: failed(why) });
  await flush(parts, context, claimed);
  if (context.signal.aborted) return leave(parts, method, { job, result: cancelled });
  return takeOver(parts, { ...result, method: method.name });
}

/** What failed work of this very job left, or what was given up for it; nothing else lies here but what is hidden. */
async function makeRoom(parts: PostgresParts, { over }: Clone): Promise<void> {
  if (over === undefined && (await readMark(parts)) === undefined) return;
  await emptyClaimed(parts);
  await mark(parts, 'removal');
  await emptyData(parts);
  await unmark(parts);
}

/** Nobody is to take half of a copy for a whole one; what goes over given up data may go on where it stopped. */
async function leave(
  parts: PostgresParts,
  { keepData }: CommandMethod,
  { job, result }: { readonly job: Clone; readonly result: JobResult },
): Promise<JobResult> {
  if (keepData || (await runsHere(parts))) return result;
  if (result.ended === 'failed') await makeRoom(parts, job);
  else await must(parts.world.files.remove(parts.places().control));
  return result;
}

async function takeOver(parts: PostgresParts, result: JobResult): Promise<JobResult> {
  await closeToOthers(parts);
  await setStandbySignal(parts, true);
  await unmark(parts);
  return result;
}
