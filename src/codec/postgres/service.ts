/** The name under which the words of `writeService` are found. */
export const serviceName = 'matriarch';

/**
 * libpq's service file: words of a connection that no command line may show. Throws where it cannot say them: a line is a word, and libpq
 * takes no blanks at its end.
 */
export function writeService(words: readonly (readonly [name: string, value: string])[]): string {
  for (const [name, value] of words)
    if (/\n|\s$/.test(value))
      throw new Error(`${name} ends with a blank, or has a line break: no service file of libpq can say it`);
  return `[${serviceName}]\n${words.map(([name, value]) => `${name}=${value}\n`).join('')}`;
}
