import { InvalidArgumentError } from 'commander';

/** What the commands of `matriarch traffic` have in common. */
export const passwordHelp = `
The password comes from PGPASSWORD, ~/.pgpass or passfile=; in the connection string others can see it in the list of processes.`;

/** Called with something that cannot be: 2, as for a wrong option. */
export function wrong(why: string): never {
  process.stderr.write(`Error: ${why}\n`);
  process.exit(2);
}

export function positive(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError('a number above 0 is wanted.');
  return number;
}

export function nonNegative(text: string): number {
  const number = Number(text);
  if (!(number >= 0)) throw new InvalidArgumentError('a number is wanted.');
  return number;
}
