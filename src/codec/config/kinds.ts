import { z } from 'zod';
import { integer, truth } from './dynamic.ts';

/** The kinds of values that settings take. What is of another kind is told in words, with what is wanted. */

/** Says what is wanted and what kind of thing is there; never the thing itself, which may be a password. */
export const expected = (what: string) => ({
  error: ({ input }: { readonly input?: unknown }): string =>
    input === undefined ? 'missing, and needed' : `${what} is expected, not ${kindOf(input)}${hint(what, input)}`,
});
const hint = (what: string, input: unknown): string =>
  what === 'a text' && typeof input === 'boolean' ? ': put it in quotes' : '';

function kindOf(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'boolean') return 'yes or no';
  if (typeof value === 'number') return 'this number';
  return typeof value === 'object' ? 'a mapping' : 'this text';
}

export const text = z.union([z.string(), z.number()], expected('a text')).transform(String);
const isScalar = (value: unknown): boolean => ['string', 'number', 'boolean'].includes(typeof value);
export const whole = z
  .custom<number | string>((value) => integer(value) !== null, expected('a whole number'))
  .transform((value) => integer(value) ?? 0);
export const atLeast = (least: number) =>
  z
    .custom<number | string>(
      (value) => (integer(value) ?? least - 1) >= least,
      expected(`a whole number of ${least} or more`),
    )
    .transform((value) => integer(value) ?? least);
export const yes = z
  .custom<boolean | string | number>((value) => isScalar(value) && truth(value) !== null, expected('yes or no'))
  .transform((value) => truth(value) === true);
export const oneOf = <T extends string>(...words: readonly [T, ...T[]]) =>
  z.enum(words, expected(`one of ${words.join(', ')}`));
export const listOf = (what: string) => z.array(text, expected(what));
export const list = z.union(
  [
    z.array(text),
    z.string().transform((v) =>
      v
        .split(',')
        .map((one) => one.trim())
        .filter((one) => one !== ''),
    ),
  ],
  expected('a list, or a text with commas,'),
);
export const mapping = expected('a mapping');
export const anyMap = z.record(z.string(), z.unknown(), mapping);
export const texts = z.record(z.string(), text, mapping);

const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const headerValue = z
  .custom<string | number>(
    (value) => ['string', 'number'].includes(typeof value) && /^[\t\x20-\x7e\xa0-\xff]*$/.test(String(value)),
    expected('the value of an HTTP header, one line of Latin letters,'),
  )
  .transform(String);
/** HTTP headers, by names in small letters: one that cannot be sent would otherwise be found out at the first request. */
export const headers = z
  .record(z.string(), headerValue, mapping)
  .refine((all) => Object.keys(all).every((name) => headerName.test(name)), {
    error: 'the name of an HTTP header holds letters, digits and dashes, and nothing else',
  })
  .transform((all) => Object.fromEntries(Object.entries(all).map(([name, value]) => [name.toLowerCase(), value])));
