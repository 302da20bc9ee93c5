/** A row of pg_settings: `setting` in `unit`s, `shown` as SHOW gives it. */
export interface SettingRow {
  readonly name: string;
  readonly setting: string;
  readonly unit: string | null;
  readonly type: string; // bool, enum, integer, real, string
  readonly shown: string;
}

/** Whether a text from a configuration file means what the server runs with. */
export function sameSetting(wanted: string, row: SettingRow): boolean {
  if (wanted === row.setting || wanted === row.shown) return true;
  switch (row.type) {
    case 'bool':
      return truth(wanted) !== null && truth(wanted) === truth(row.setting);
    case 'enum':
      return wanted.toLowerCase() === row.setting.toLowerCase();
    case 'integer':
    case 'real':
      return sameNumber(wanted, row);
    default:
      return false;
  }
}

function truth(text: string): boolean | null {
  const word = text.toLowerCase();
  if (['on', 'true', 'yes', '1'].includes(word)) return true;
  return ['off', 'false', 'no', '0'].includes(word) ? false : null;
}

/** In bytes, or in ms. */
const units: Readonly<Record<string, { readonly of: 'memory' | 'time'; readonly size: number }>> = {
  B: { of: 'memory', size: 1 },
  kB: { of: 'memory', size: 1_024 },
  MB: { of: 'memory', size: 1_024 ** 2 },
  GB: { of: 'memory', size: 1_024 ** 3 },
  TB: { of: 'memory', size: 1_024 ** 4 },
  us: { of: 'time', size: 0.001 },
  ms: { of: 'time', size: 1 },
  s: { of: 'time', size: 1_000 },
  min: { of: 'time', size: 60_000 },
  h: { of: 'time', size: 3_600_000 },
  d: { of: 'time', size: 86_400_000 },
};

function sameNumber(wanted: string, { setting, unit, type }: SettingRow): boolean {
  const [, digits, suffix] = /^\s*([+-]?[\d.]+(?:e[+-]?\d+)?)\s*([a-z]*)\s*$/i.exec(wanted) ?? [];
  // A unit such as 8kB counts blocks.
  const [, count, base = ''] = /^(\d*)([a-z]+)$/i.exec(unit ?? '') ?? [];
  if (digits === undefined) return false;
  const own = units[base];
  let value = Number(digits);
  if (suffix !== undefined && suffix !== '') {
    const given = units[suffix];
    if (given === undefined || own === undefined || given.of !== own.of) return false;
    value = (value * given.size) / (own.size * (count === undefined || count === '' ? 1 : Number(count)));
  }
  return type === 'integer' ? Math.round(value) === Number(setting) : value === Number(setting);
}
