// tmux capture-pane -e -p | node scripts/picture.mjs > docs/lab.svg: a terminal's screen as a picture for the README.
import { readFileSync } from 'node:fs';

const cell = { width: 8.4, height: 18 };
const margin = 16;
const colours = { 31: '#f47067', 32: '#57ab5a', 33: '#c69026' };
const plain = { bold: false, dim: false, colour: null };

const lines = readFileSync(0, 'utf8').replace(/\s+$/, '').split('\n');
const columns = Math.max(...lines.map((line) => line.replaceAll(escapes(), '').length));
const size = { width: columns * cell.width + 2 * margin, height: lines.length * cell.height + 2 * margin };

const rows = lines.map((line, row) => {
  let column = 0;
  let style = plain;
  const spans = line.split(escapes()).map((part, index) => {
    if (index % 2 === 1) {
      style = part.split(';').reduce(after, style);
      return '';
    }
    const x = margin + column * cell.width;
    column += part.length;
    return part.trim() === '' ? '' : `<tspan x="${x.toFixed(1)}"${attributes(style)}>${escaped(part)}</tspan>`;
  });
  return `<text y="${margin + row * cell.height + 13}">${spans.join('')}</text>`;
});

process.stdout.write(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width.toFixed(0)} ${size.height}" role="img">
<rect width="100%" height="100%" rx="8" fill="#1c2128"/>
<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,monospace" font-size="14" fill="#cdd9e5" xml:space="preserve">
${rows.join('\n')}
</g>
</svg>
`);

/** Splitting by it leaves text and parameters in turn. */
function escapes() {
  return new RegExp(`${String.fromCharCode(27)}\\[([0-9;]*)m`, 'g');
}

function after(style, code) {
  const number = Number(code);
  if (number === 0) return plain;
  if (number === 1) return { ...style, bold: true };
  if (number === 2) return { ...style, dim: true };
  if (number === 22) return { ...style, bold: false, dim: false };
  if (number === 39) return { ...style, colour: null };
  return number in colours ? { ...style, colour: colours[number] } : style;
}

function attributes({ bold, dim, colour }) {
  return `${bold ? ' font-weight="bold"' : ''}${colour === null ? '' : ` fill="${colour}"`}${dim ? ' opacity="0.6"' : ''}`;
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll(' ', '\u00a0');
}
