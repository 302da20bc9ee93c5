/** Columns as wide as their widest cell, the first to the left and the others to the right; a line below the heads. */
export function layOut(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((cells) => cells[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    widths
      .map((wide, column) => {
        const cell = cells[column] ?? '';
        return column === 0 ? cell.padEnd(wide) : cell.padStart(wide);
      })
      .join('  ')
      .trimEnd();
  return [line(head), widths.map((wide) => '─'.repeat(wide)).join('  '), ...rows.map(line)];
}
