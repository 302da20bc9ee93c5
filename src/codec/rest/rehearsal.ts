import type { Load, Outcome, Phase, Rehearsal, Standing } from '../../model/rehearsal.ts';
import { loadDocument, loadOf, loadText } from './load.ts';

type Fields = Readonly<Record<string, unknown>>;

/** GET /rehearse. `by`: whose look it is made from, and how old that look is. `load`: what hangs on its server now. */
export function rehearsalDocument(
  answer: Rehearsal,
  by: { readonly name: string; readonly ageMs: number },
  load: Load | null = null,
): Fields {
  const hit = loadOf(answer, by.name, load);
  return {
    without: answer.without,
    leader: answer.leader,
    answer: `${sentenceOf(answer)}${loadText(answer, hit)}`,
    outcome: outcomeDocument(answer.outcome),
    bytes_at_risk: answer.risk?.bytes ?? null,
    bytes_seen: answer.risk === null ? null : answer.risk.oneLook ? 'by the leader, in one look' : 'by each for itself',
    status_age_ms: answer.risk?.statusAgeMs ?? null,
    ...loadDocument(answer, hit),
    phases: answer.phases.map(phaseDocument),
    members: answer.members.map(memberDocument),
    seen: { by: by.name, age_ms: Math.round(by.ageMs) },
  };
}

function outcomeDocument(outcome: Outcome): Fields {
  switch (outcome.kind) {
    case 'leadsOn':
      return {
        kind: 'leads_on',
        leader: outcome.leader,
        next: outcome.next === null ? null : outcomeDocument(outcome.next.outcome),
      };
    case 'takesOver':
      return { kind: 'takes_over', winner: outcome.winner, equals: outcome.equals };
    case 'nobody':
      return { kind: 'nobody', why: outcome.why };
    case 'stops':
    case 'goesOn':
      return { kind: outcome.kind === 'stops' ? 'stops' : 'goes_on', leader: outcome.leader, why: outcome.why };
    default:
      return outcome satisfies never;
  }
}

const phaseDocument = ({ phase, about, span }: Phase): Fields => ({
  phase,
  about,
  least_ms: rounded(span?.leastMs),
  typical_ms: rounded(span?.typicalMs),
  most_ms: rounded(span?.mostMs),
});

const rounded = (ms: number | undefined): number | null => (ms === undefined ? null : Math.round(ms));

/** How a member stands, in a word or two. */
export const verdicts: Readonly<Record<Standing['verdict'], string>> = {
  takesOver: 'takes over',
  couldTakeOver: 'could as well',
  goesLater: 'goes later',
  mayNot: 'may not',
  leads: 'leads',
  unknown: 'not known',
};

const memberDocument = (member: Standing): Fields => ({
  name: member.name,
  verdict: verdicts[member.verdict],
  position: member.position,
  behind_bytes: member.behindBytes,
  against: member.objections.map(({ rule, reason, because }) => ({ rule, reason, because })),
  nothing_against: member.passed,
});

/** The answer in one sentence. */
export function sentenceOf({ without, leader, outcome, phases, risk }: Rehearsal): string {
  const gone = without.length === 0 ? 'as it is' : `without ${without.join(' and ')}`;
  switch (outcome.kind) {
    case 'takesOver': {
      const who = [outcome.winner, ...outcome.equals].join(' or ');
      return `${gone}: ${who} takes over ${afterText(phases)}; ${riskText(risk?.bytes)}`;
    }
    case 'nobody':
      return `${gone}: nobody ${leader === null || without.includes(leader) ? 'takes over' : 'leads'}: ${outcome.why}`;
    case 'leadsOn':
      return `${gone}: ${outcome.leader} leads on${outcome.next === null ? '' : `; and ${sentenceOf(outcome.next)}`}`;
    case 'stops':
      return `${gone}: ${outcome.leader} stops ${afterText(phases)}, and nobody is promoted: ${outcome.why}`;
    case 'goesOn':
      return `${gone}: ${outcome.leader} goes on: ${outcome.why}`;
    default:
      return outcome satisfies never;
  }
}

function afterText(phases: readonly Phase[]): string {
  const known = phases.flatMap(({ span }) => (span === null ? [] : [span.typicalMs]));
  const missing = phases.filter(({ span }) => span === null).map(({ phase }) => phase);
  const seconds = known.reduce((a, b) => a + b, 0) / 1_000;
  return `after about ${seconds.toFixed(1)} s${missing.length === 0 ? '' : ` and its ${missing.join(' and ')}`}`;
}

const riskText = (bytes: bigint | undefined): string =>
  bytes === undefined ? 'what is at risk is not known' : `${bytes} bytes at risk`;
