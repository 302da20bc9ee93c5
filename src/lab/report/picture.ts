import type { Right, Role } from '../../model/history.ts';
import { axis, bar, drawLane, laneHeight, left, mark, type Scale, scaleOf, svg, top } from '../../picture/lanes.ts';
import { escaped } from '../../picture/page.ts';
import { type ClientPath, clientPaths } from '../clients.ts';
import type { Evidence } from '../scenario/evidence.ts';
import { answeredOf } from '../verdict/gaps.ts';
import { ms } from '../verdict/words.ts';
import { drawRate } from './plot.ts';

/** Lanes of the nodes, and under them, on the same axis, how often and how soon each client was served. */
export function drawEvidence(evidence: Evidence): string {
  const { nodes } = evidence;
  const scale = scaleOf(evidence.fromMs, evidence.untilMs);
  const roles = mergedRoles(evidence);
  const keys = keySpans(evidence);
  const lanes = nodes.map((node, index) =>
    drawLane(
      {
        node,
        topY: top + index * laneHeight,
        roles: roles.filter((one) => one.node === node),
        rights: keys.filter((one) => one.node === node),
        marks: marksOf(evidence, node),
      },
      scale,
    ),
  );
  const trafficY = top + nodes.length * laneHeight + 14;
  const traffic = clientPaths.map((path, index) =>
    drawTraffic(evidence, path, trafficY + index * trafficHeight, scale),
  );
  const height = trafficY + clientPaths.length * trafficHeight + 6;
  return svg(
    height,
    `${axis(scale, height)}${struckLine(evidence, scale, height)}${lanes.join('')}${traffic.join('')}`,
  );
}

const trafficHeight = 38;
const plotTall = 22;
/** Shorter pauses are the pace of the client on a busy machine. */
const gapMs = 250;

function drawTraffic(evidence: Evidence, path: ClientPath, y: number, scale: Scale): string {
  const answers = answeredOf(evidence, path).filter(({ endedMs }) => endedMs >= evidence.fromMs);
  const parts = [
    `<text class="path" x="${left - 10}" y="${y + 18}">${escaped(path)}</text>`,
    drawRate(answers, scale, { y: y + 4, tall: plotTall }),
  ];
  const spans: { fromMs: number; untilMs: number }[] = [];
  for (const { endedMs: at } of answers) {
    const last = spans.at(-1);
    if (last !== undefined && at - last.untilMs < gapMs) last.untilMs = at;
    else spans.push({ fromMs: at, untilMs: at });
  }
  for (const [index, span] of spans.entries()) {
    const untilMs = spans[index + 1]?.fromMs ?? evidence.untilMs;
    if (untilMs - span.untilMs < gapMs) continue;
    const words = `${path}: not served for ${ms(untilMs - span.untilMs)}`;
    parts.push(bar(scale, { fromMs: span.untilMs, untilMs, y: y + plotTall, tall: 4, of: 'gap' }, words));
    const middle = (scale.x(span.untilMs) + scale.x(untilMs)) / 2;
    if (scale.x(untilMs) - scale.x(span.untilMs) > 50)
      parts.push(
        `<text class="time" x="${middle.toFixed(1)}" y="${y + plotTall - 4}">${ms(untilMs - span.untilMs)}</text>`,
      );
  }
  for (const seen of evidence.history) {
    const wrong =
      (seen.kind === 'write' || seen.kind === 'read') && (seen.outcome === 'failed' || seen.outcome === 'unknown');
    if (!wrong || !seen.client.endsWith(path.replace(' ', '-')) || (seen.endedMs ?? 0) < evidence.fromMs) continue;
    parts.push(
      mark(scale, seen.endedMs ?? seen.sentMs, y + plotTall + 5, 'fault', `${path}: ${seen.outcome}, ${seen.error}`),
    );
  }
  return parts.join('');
}

/** A line through everything where each fault, remedy and act began. */
function struckLine({ steps }: Evidence, scale: Scale, height: number): string {
  return steps
    .filter(({ nature }) => nature !== 'calm')
    .map(
      ({ fromMs, nature, text }) =>
        `<path class="step ${nature}" d="M${scale.x(fromMs).toFixed(1)} ${top}V${height}"><title>${escaped(text)}</title></path>`,
    )
    .join('');
}

function marksOf({ steps, nodes }: Evidence, node: string) {
  return steps
    .filter((step) => step.nature !== 'calm' && step.nodes.includes(node) && nodes.includes(node))
    .map(({ fromMs, text, nature }) => ({
      atMs: fromMs,
      text,
      of: nature === 'fault' ? ('fault' as const) : ('mended' as const),
    }));
}

/** The pieces in which a witness wrote them down, put together again. */
function mergedRoles({ history, fromMs, untilMs }: Evidence): readonly Role[] {
  const merged: Role[] = [];
  const last = new Map<string, number>();
  for (const seen of history) {
    if (seen.kind !== 'role' || seen.untilMs < fromMs || seen.fromMs > untilMs) continue;
    const index = last.get(seen.node);
    const before = index === undefined ? undefined : merged[index];
    if (index !== undefined && before?.role === seen.role && seen.fromMs - before.untilMs < gapMs)
      merged[index] = { ...before, untilMs: seen.untilMs };
    else last.set(seen.node, merged.push(seen) - 1);
  }
  return merged;
}

/** Who held the leader key when, as it was heard. */
function keySpans({ leaderKey, fromMs, untilMs }: Evidence): readonly Right[] {
  return leaderKey.flatMap(({ atMs, holder }, index): readonly Right[] => {
    const endMs = leaderKey[index + 1]?.atMs ?? untilMs;
    if (holder === null || endMs < fromMs) return [];
    return [{ kind: 'right', node: holder, term: `${index + 1}`, fromMs: Math.max(atMs, fromMs), untilMs: endMs }];
  });
}
