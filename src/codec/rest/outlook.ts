import type { Fact } from '../../model/decision.ts';
import type { Outlook } from '../../model/live.ts';
import type { Phase, Rehearsal, Standing } from '../../model/rehearsal.ts';

/** The rehearsal of the leader's death, as the live page tells it. Null: nobody leads, or etcd does not say who. */
export function outlookOf({ leader, without, outcome, phases, members, risk }: Rehearsal): Outlook | null {
  if (leader === null || !without.includes(leader)) return null;
  if (outcome.kind === 'nobody')
    return { kind: 'nobody', leader, why: whoseWhy(outcome.why, members), because: members.flatMap(against) };
  if (outcome.kind !== 'takesOver') return null;
  return {
    kind: 'takesOver',
    leader,
    heirs: [outcome.winner, ...outcome.equals],
    afterMs: Math.round(phases.reduce((sum, { span }) => sum + (span?.typicalMs ?? 0), 0)),
    // Of two looks one is older, and the difference is no lag.
    bytesAtRisk: risk?.oneLook === true ? Number(risk.bytes) : null,
    because: [...phases.map(tookOf), ...members.flatMap(against)],
  };
}

const tookOf = ({ phase, span }: Phase): Fact => [
  phase,
  span === null ? 'not known: none was seen yet' : `${seconds(span.leastMs)} to ${seconds(span.mostMs)} s`,
];

const seconds = (ms: number): string => (ms / 1_000).toFixed(1);

/** One reason for all of them is said in the first person: it needs their names. */
function whoseWhy(why: string, members: readonly Standing[]): string {
  const isTheirs = members.length > 0 && members.every(({ objections }) => objections[0]?.reason === why);
  return isTheirs ? `${members.map(({ name }) => name).join(' and ')}: ${why}` : why;
}

/** What speaks first against each member that would not take over. */
const against = ({ name, objections }: Standing): readonly Fact[] => {
  const [first] = objections;
  if (first === undefined) return [];
  const facts = first.because.map(([fact, value]) => `${fact} ${value ?? '–'}`);
  return [[name, [first.reason, ...facts].join(', ')]];
};
