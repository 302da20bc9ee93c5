/** A table of all combinations, folded: what does not matter is left out, values that never differ share a line. */

export interface Axis {
  readonly name: string;
  readonly values: readonly string[];
}

interface Group {
  values: string[];
  table: readonly (string | null)[];
}

/**
 * `table`: one outcome for each combination, the last axis the fastest; null: it cannot be, so that it bars no folding.
 * One text for each class of combinations: what it has in common, and what comes of it.
 */
export function fold(axes: readonly Axis[], table: readonly (string | null)[]): readonly string[] {
  const lines: string[] = [];
  const walk = (depth: number, rest: readonly (string | null)[], told: readonly string[]): void => {
    const axis = axes[depth];
    if (axis === undefined) {
      if (rest[0] != null) lines.push(`${told.join('; ') || 'always'} -> ${rest[0]}`);
      return;
    }
    const size = rest.length / axis.values.length;
    const groups = grouped(axis, (index) => rest.slice(index * size, (index + 1) * size));
    for (const { values, table: below } of groups)
      walk(depth + 1, below, groups.length === 1 ? told : [...told, `${axis.name}: ${named(values, groups)}`]);
  };
  walk(0, table, []);
  return lines;
}

/** The larger part of many is told by what it is not. */
function named(values: readonly string[], groups: readonly Group[]): string {
  const others = groups.flatMap((group) => group.values).filter((value) => !values.includes(value));
  return values.length > 3 && values.length > others.length ? `any but ${others.join(' | ')}` : values.join(' | ');
}

/** Values whose tables never disagree, first come first served. */
function grouped(axis: Axis, tableOf: (index: number) => readonly (string | null)[]): readonly Group[] {
  const groups: Group[] = [];
  axis.values.forEach((value, index) => {
    const table = tableOf(index);
    if (table.every((outcome) => outcome === null)) return;
    const home = groups.find((group) => agree(group.table, table));
    if (home === undefined) groups.push({ values: [value], table });
    else {
      home.values.push(value);
      home.table = home.table.map((outcome, at) => outcome ?? table[at] ?? null);
    }
  });
  return groups;
}

const agree = (a: readonly (string | null)[], b: readonly (string | null)[]): boolean =>
  a.every((outcome, at) => outcome === null || b[at] == null || outcome === b[at]);
