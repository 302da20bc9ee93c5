import Table from 'cli-table3';

export interface Column {
  readonly name: string;
  readonly right?: boolean;
}

const ascii = {
  top: '-',
  'top-mid': '+',
  'top-left': '+',
  'top-right': '+',
  bottom: '-',
  'bottom-mid': '+',
  'bottom-left': '+',
  'bottom-right': '+',
  left: '|',
  'left-mid': '+',
  mid: '-',
  'mid-mid': '+',
  right: '|',
  'right-mid': '+',
  middle: '|',
};

/** Lines of an ASCII table. The title overwrites the top border; a line break in any cell puts rules between all rows. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  title: string | null,
): readonly string[] {
  const table = new Table({
    head: columns.map(({ name }) => name),
    colAligns: columns.map(({ right }) => (right === true ? 'right' : 'left')),
    chars: ascii,
    style: { head: [], border: [], compact: !rows.some((row) => row.some((cell) => cell.includes('\n'))) },
  });
  table.push(...rows.map((row) => [...row]));
  const lines = table.toString().split('\n');
  const [top = '', ...rest] = lines;
  const below = rows.length === 0 ? [...rest, top] : rest; // an empty table still shows the rule under its head
  return [title === null ? top : titled(top, title), ...below];
}

function titled(border: string, title: string): string {
  const cut = title.slice(0, border.length - 2);
  return `${border[0]}${cut}${border.slice(1 + cut.length)}`;
}
