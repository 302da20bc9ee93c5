import type { Right, Role } from '../model/history.ts';
import type { SimulatedCluster } from './cluster.ts';
import { type StoryLine, storyOf } from './story.ts';

/**
 * Who was what when, as a page that needs nothing else: a lane a node with the role of its PostgreSQL, its right to lead
 * above it and the faults below; and the whole story, line by line.
 */
export function diagramOf(cluster: SimulatedCluster, title: string, found: readonly string[]): string {
  const history = cluster.history();
  const roles = history.filter((seen): seen is Role => seen.kind === 'role');
  // A right may last beyond the end of the run; the picture does not.
  const rights = history
    .filter((seen): seen is Right => seen.kind === 'right')
    .map((one) => ({ ...one, untilMs: Math.min(one.untilMs, cluster.engine.now()) }));
  const story = storyOf(cluster);
  const nodes = [...cluster.nodes.keys()];
  const untilMs = cluster.engine.now();
  const x = (ms: number): number => left + (ms / untilMs) * width;
  const lanes = nodes.map((node, index) =>
    laneOf({
      node,
      topY: top + index * laneHeight,
      roles: roles.filter((one) => one.node === node),
      rights: rights.filter((one) => one.node === node),
      faults: story.filter((line) => line.by === 'fault' && (line.node === node || line.node === 'all')),
      x,
    }),
  );
  const height = top + nodes.length * laneHeight + 10;
  return page(
    title,
    found,
    `<svg viewBox="0 0 ${left + width + 20} ${height}" role="img">${axis(untilMs, x, height)}${lanes.join('')}</svg>`,
    story,
  );
}

const left = 60;
const width = 1320;
const top = 34;
const laneHeight = 64;

interface Lane {
  readonly node: string;
  readonly topY: number;
  readonly roles: readonly Role[];
  readonly rights: readonly Right[];
  readonly faults: readonly StoryLine[];
  readonly x: (ms: number) => number;
}

function laneOf({ node, topY, roles, rights, faults, x }: Lane): string {
  const bar = (fromMs: number, untilMs: number, y: number, tall: number, of: string, words: string): string =>
    `<rect class="${of}" x="${px(x(fromMs))}" y="${y}" width="${px(Math.max(x(untilMs) - x(fromMs), 0.5))}" height="${tall}"><title>${escaped(words)}</title></rect>`;
  return [
    `<text class="node" x="${left - 10}" y="${topY + 29}">${escaped(node)}</text>`,
    ...rights.map(({ fromMs, untilMs, term }) =>
      bar(fromMs, untilMs, topY + 6, 5, 'right', `${node}: right to lead, term ${term}, ${span(fromMs, untilMs)}`),
    ),
    ...roles.map(({ fromMs, untilMs, role }) =>
      bar(fromMs, untilMs, topY + 14, 22, role, `${node}: ${role}, ${span(fromMs, untilMs)}`),
    ),
    ...faults.map(({ atMs, text }) => {
      const mended = /^mended|^healed/.test(text);
      const [at, y] = [px(x(atMs)), topY + 42];
      return `<path class="${mended ? 'mended' : 'fault'}" d="M${at} ${y}l-4 7h8z"><title>${escaped(`${seconds(atMs)} ${text}`)}</title></path>`;
    }),
  ].join('');
}

/** About twelve marks, at round numbers of seconds. */
function axis(untilMs: number, x: (ms: number) => number, height: number): string {
  const step = [5, 10, 20, 30, 60, 120, 300, 600].find((s) => untilMs / 1000 / s <= 14) ?? 1200;
  const marks: string[] = [];
  for (let s = 0; s * 1000 <= untilMs; s += step) {
    const at = px(x(s * 1000));
    marks.push(`<path class="grid" d="M${at} ${top}V${height}"/><text class="time" x="${at}" y="22">${s} s</text>`);
  }
  return marks.join('');
}

function page(title: string, found: readonly string[], picture: string, story: readonly StoryLine[]): string {
  const rows = story.map(
    ({ atMs, node, by, text, because }) =>
      `<tr class="${by}"><td>${seconds(atMs)}</td><td>${escaped(node)}</td><td>${escaped(text)}` +
      `<small>${escaped(because.map(([name, value]) => `${name}=${value}`).join(', '))}</small></td></tr>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title><style>${style}</style></head><body>
<h1>${escaped(title)}</h1>
${found.map((one) => `<p class="found">${escaped(one)}</p>`).join('\n')}
<figure>${picture}<figcaption>${legend}</figcaption></figure>
<table><thead><tr><th>time</th><th>node</th><th>what happened, and because of what</th></tr></thead><tbody>
${rows.join('\n')}
</tbody></table></body></html>
`;
}

const legend = [
  ['primary', 'primary'],
  ['standby', 'standby'],
  ['stopped', 'down, or on its way up'],
  ['right', 'right to lead'],
  ['fault', 'a fault'],
  ['mended', 'mended'],
]
  .map(([of, words]) => `<span><i class="${of}"></i>${words}</span>`)
  .join('');

const style = `
:root{color-scheme:light dark;--ink:#1c2128;--paper:#fff;--faint:#d8dee4;--primary:#2a7d4f;--standby:#9cc4e8;--stopped:#e8e8e8;--right:#c69026;--fault:#cf222e}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--paper:#0d1117;--faint:#30363d;--primary:#3fb950;--standby:#1f4f7d;--stopped:#21262d;--right:#d4a72c;--fault:#f47067}}
body{font:14px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:24px;max-width:1440px}
h1{font-size:18px}.found{color:var(--fault);font-family:ui-monospace,monospace;overflow-wrap:anywhere}
figure{margin:0 0 24px}svg{width:100%;height:auto}
.primary{fill:var(--primary)}.standby{fill:var(--standby)}.stopped{fill:var(--stopped)}.right{fill:var(--right)}
.fault{fill:var(--fault)}.mended{fill:none;stroke:var(--ink);stroke-width:.8}.grid{stroke:var(--faint)}
text{fill:var(--ink)}.node{text-anchor:end;font-weight:600}.time{text-anchor:middle;font-size:11px}
figcaption span{margin-right:18px}figcaption i{display:inline-block;width:14px;height:10px;margin-right:6px}
i.primary{background:var(--primary)}i.standby{background:var(--standby)}i.stopped{background:var(--stopped)}i.right{background:var(--right)}
i.fault{background:var(--fault)}i.mended{border:1px solid}
table{border-collapse:collapse;width:100%}th{text-align:left}td{border-top:1px solid var(--faint);padding:2px 10px 2px 0;vertical-align:top}
td:first-child{white-space:nowrap;font-variant-numeric:tabular-nums}small{display:block;opacity:.65}
tr.fault td{fill:none;color:var(--fault);font-weight:600}tr.world td{opacity:.8}`;

const px = (value: number): string => value.toFixed(1);
const seconds = (ms: number): string => `${(ms / 1000).toFixed(3)} s`;
const span = (fromMs: number, untilMs: number): string => `${seconds(fromMs)} to ${seconds(untilMs)}`;
const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (one) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[one] ?? one);
