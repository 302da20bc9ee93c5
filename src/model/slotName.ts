/**
 * Patroni's slot name of a member: lower case; `-` and `.` become `_`; any other character outside `[a-z0-9_]` becomes
 * `u` and its code point in at least four decimal digits; cut to 63 characters.
 */
export const slotNameOf = (member: string): string =>
  [...member.toLowerCase()]
    .map((c) =>
      /[a-z0-9_]/.test(c) ? c : c === '-' || c === '.' ? '_' : `u${String(c.codePointAt(0)).padStart(4, '0')}`,
    )
    .join('')
    .slice(0, 63);
