/** Pages that need nothing else: no font, script or picture from anywhere, light and dark as the reader's system is. */

export function page(title: string, more: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title><style>${style}${more}</style></head><body>
<h1>${escaped(title)}</h1>
${body}
</body></html>
`;
}

/** Colours by what they mean; a page may add its own rules behind these. */
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
`;

export const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (one) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[one] ?? one);
