import type { Right } from '../history.ts';
import type { Reign, Violation } from '../laws.ts';

/** A broken law in one sentence, and when it showed; null: only at the end. Instants are those of the history, in seconds. */
export function tellViolation(violation: Violation): { readonly text: string; readonly atMs: number | null } {
  switch (violation.kind) {
    case 'splitBrain': {
      const { reigns, overlapMs } = violation;
      const [a, b] = reigns;
      const untilMs = Math.min(a.lastMs, b.lastMs);
      const when = `from ${s(Math.max(a.firstMs, b.firstMs))} to ${s(untilMs)} (${Math.round(overlapMs)} ms)`;
      return { text: `two primaries acknowledged writes ${when}: ${reignText(a)}, ${reignText(b)}`, atMs: untilMs };
    }
    case 'termShared':
      return ofRights(violation.rights, 'two nodes led in one term');
    case 'termFell':
      return ofRights(violation.rights, 'a later reign has the lower term');
    case 'rightsOverlap':
      return ofRights(violation.rights, `two nodes had the right to lead for ${Math.round(violation.overlapMs)} ms`);
    case 'lost': {
      const { write, why } = violation;
      const text = `value ${write.value} of ${write.key}, acknowledged by ${write.node} on timeline ${write.timeline}, is lost: ${why}`;
      return { text, atMs: write.endedMs ?? write.sentMs };
    }
    case 'doubled':
      return { text: `value ${violation.value} of ${violation.key} is there ${violation.times} times`, atMs: null };
    case 'reordered': {
      const { write, after } = violation;
      const text = `value ${write.value} of ${write.key} stands behind ${after.value}, which was sent after its acknowledgement`;
      return { text, atMs: after.sentMs };
    }
    case 'invented':
      return { text: `value ${violation.value} of ${violation.key} is there, and ${violation.why}`, atMs: null };
    case 'otherSystem':
      return { text: `two database systems in one cluster: ${violation.systemIds.join(', ')}`, atMs: null };
    case 'exposed':
      return { text: violation.exposure.why, atMs: violation.exposure.atMs };
    case 'confirmedWithdrawn': {
      const { node, to, saidMs, atMs } = violation.confirmation;
      const text = `${node} confirmed commits to ${to} at ${s(atMs)}, and had said at ${s(saidMs)} that it had withdrawn`;
      return { text, atMs };
    }
    case 'promotedWithoutLease': {
      const { node, timeline, term, atMs } = violation.promotion;
      const held = term === null ? 'without the leader key' : `in term ${term}, with no lease left`;
      return { text: `${node} was promoted onto timeline ${timeline} at ${s(atMs)} ${held}`, atMs };
    }
    case 'promotedIneligible': {
      const { node, timeline, ineligible, atMs } = violation.promotion;
      return {
        text: `${node} was promoted onto timeline ${timeline} at ${s(atMs)}, and should not: ${ineligible}`,
        atMs,
      };
    }
    case 'promotedTooLate': {
      const { node, timeline, tooShortMs = 0, atMs } = violation.promotion;
      const short = `its right was ${Math.round(tooShortMs)} ms too short for a stop that might have had to follow`;
      return {
        text: `${node} was promoted onto timeline ${timeline} at ${s(atMs)}: as it was told to, ${short}`,
        atMs,
      };
    }
    case 'wroteWithoutRight': {
      const { node, write, writes, lateMs } = violation;
      const atMs = write.serverMs ?? write.sentMs;
      const late =
        lateMs === null ? 'without ever having had the right' : `${Math.round(lateMs)} ms after its right ended`;
      return {
        text: `${node} acknowledged ${writesText(writes)} it had no right to, the last at ${s(atMs)}, ${late}`,
        atMs,
      };
    }
    case 'rightOutlivesLease': {
      const { node, term, fromMs, beyondLeaseMs = 0 } = violation.right;
      const text = `the deadline of ${node} in term ${term} was ${Math.round(beyondLeaseMs)} ms later than its lease allows`;
      return { text, atMs: fromMs };
    }
    case 'erasedWithoutLeader': {
      const { node, how, atMs, leaderAgoMs } = violation.erasure;
      const leader = leaderAgoMs === null ? 'was never seen' : `was last seen ${s(leaderAgoMs)} before`;
      return { text: `the data of ${node} was ${how} at ${s(atMs)}, and a leader of its system ${leader}`, atMs };
    }
    default:
      return violation satisfies never;
  }
}

const s = (ms: number): string => `${(ms / 1000).toFixed(3)} s`;
const writesText = (writes: number): string => `${writes} ${writes === 1 ? 'write' : 'writes'}`;
const reignText = ({ node, timeline, writes }: Reign): string =>
  `${node} on timeline ${timeline} (${writesText(writes)})`;

function ofRights([a, b]: readonly [Right, Right], what: string): { text: string; atMs: number } {
  // A right that goes on ends at infinity, or at the greatest number, where it went through JSON.
  const one = ({ node, term, fromMs, untilMs }: Right): string =>
    `${node} in term ${term} (${s(fromMs)} to ${untilMs < Number.MAX_SAFE_INTEGER ? s(untilMs) : 'the end'})`;
  return { text: `${what}: ${one(a)}, ${one(b)}`, atMs: b.fromMs };
}
