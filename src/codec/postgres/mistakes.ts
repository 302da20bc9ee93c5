/** A setting that the server does not take. */
export interface Mistake {
  readonly name: string;
  readonly why: string;
}

const patterns: readonly RegExp[] = [
  /(?<why>unrecognized configuration parameter "(?<name>[^"]+)")/,
  /(?<why>invalid value for parameter "(?<name>[^"]+)": .*)/,
  /(?<why>\S+(?: \S+)? is outside the valid range for parameter "(?<name>[^"]+)".*)/,
  /(?<why>parameter "(?<name>[^"]+)" requires a .* value)/,
  /(?<why>parameter "(?<name>[^"]+)" cannot be changed)$/,
];
/** What it says of itself before it gives up: not what a client was told, nor what is only a warning. */
const ownWords = /\b(LOG|FATAL): /;

/** The settings that a server says, in its log, it cannot start with. */
export const readMistakes = (log: string): readonly Mistake[] =>
  log.split('\n').flatMap((line) => {
    if (!ownWords.test(line)) return [];
    for (const pattern of patterns) {
      const { name, why } = pattern.exec(line)?.groups ?? {};
      if (name !== undefined && why !== undefined) return [{ name: name.toLowerCase(), why }]; // TimeZone, DateStyle
    }
    return [];
  });
