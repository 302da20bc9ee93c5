import type { Right, Role } from '../model/history.ts';
import { axis, drawLane, laneHeight, legendOf, scaleOf, seconds, svg, top } from '../picture/lanes.ts';
import { escaped, page } from '../picture/page.ts';
import type { SimulatedCluster } from './cluster.ts';
import { type StoryLine, storyOf } from './story.ts';

/**
 * Who was what when, as a page that needs nothing else: a lane a node with the role of its PostgreSQL, its right to lead
 * above it and the faults below; and the whole story, line by line.
 */
export function diagramOf(cluster: SimulatedCluster, title: string, found: readonly string[]): string {
  const history = cluster.history();
  const roles = history.filter((seen): seen is Role => seen.kind === 'role');
  const rights = history.filter((seen): seen is Right => seen.kind === 'right');
  const story = storyOf(cluster);
  const nodes = [...cluster.nodes.keys()];
  // A right may last beyond the end of the run; the picture does not.
  const scale = scaleOf(0, cluster.engine.now());
  const lanes = nodes.map((node, index) => {
    const faults = story.filter((line) => line.by === 'fault' && (line.node === node || line.node === 'all'));
    const lane = {
      node,
      topY: top + index * laneHeight,
      roles: roles.filter((one) => one.node === node),
      rights: rights.filter((one) => one.node === node),
      marks: faults.map(({ atMs, text }) => ({
        atMs,
        text,
        of: /^mended|^healed/.test(text) ? ('mended' as const) : ('fault' as const),
      })),
    };
    return drawLane(lane, scale);
  });
  const height = top + nodes.length * laneHeight + 10;
  const picture = svg(height, `${axis(scale, height)}${lanes.join('')}`);
  return page(title, tableStyle, bodyOf(found, picture, story));
}

function bodyOf(found: readonly string[], picture: string, story: readonly StoryLine[]): string {
  const rows = story.map(
    ({ atMs, node, by, text, because }) =>
      `<tr class="${by}"><td>${seconds(atMs)}</td><td>${escaped(node)}</td><td>${escaped(text)}` +
      `<small>${escaped(because.map(([name, value]) => `${name}=${value}`).join(', '))}</small></td></tr>`,
  );
  return `${found.map((one) => `<p class="found">${escaped(one)}</p>`).join('\n')}
<figure>${picture}<figcaption>${legend}</figcaption></figure>
<table><thead><tr><th>time</th><th>node</th><th>what happened, and because of what</th></tr></thead><tbody>
${rows.join('\n')}
</tbody></table>`;
}

const legend = legendOf([
  ['primary', 'primary'],
  ['standby', 'standby'],
  ['stopped', 'down, or on its way up'],
  ['right', 'right to lead'],
  ['fault', 'a fault'],
  ['mended', 'mended'],
]);

const tableStyle = `
table{border-collapse:collapse;width:100%}th{text-align:left}td{border-top:1px solid var(--faint);padding:2px 10px 2px 0;vertical-align:top}
td:first-child{white-space:nowrap;font-variant-numeric:tabular-nums}small{display:block;opacity:.65}
tr.fault td{fill:none;color:var(--fault);font-weight:600}tr.world td{opacity:.8}`;
