import type { DocumentOptions, ParseOptions, ScalarTag, SchemaOptions, Tags } from 'yaml';

/**
 * YAML as Python's reader takes it, since that is what the files were written for: `on` and `yes` are true, `0600` is octal,
 * `<<` merges; but `y`, `1e3`, `0899` and dates are texts. Only what the reader of the `yaml` package would see otherwise.
 */
const scalar = <T>(tag: string, test: RegExp, resolve: (text: string) => T): ScalarTag => ({
  tag: `tag:yaml.org,2002:${tag}`,
  default: true,
  test,
  resolve,
});

const bare = (text: string): string => text.replaceAll('_', '');
const signed = (text: string, read: (digits: string) => number): number =>
  (text.startsWith('-') ? -1 : 1) * read(bare(text).replace(/^[-+]/, ''));
/** A number too large to be exact stays the text that it is: it may be a password. */
function exact(text: string): number | string {
  const number = signed(text, Number);
  return Number.isSafeInteger(number) ? number : text;
}

const pythonTags = (tags: Tags): Tags => [
  ...tags,
  'null',
  'merge',
  { ...scalar('bool', /^(?:[Yy]es|YES|[Tt]rue|TRUE|[Oo]n|ON)$/, () => true), identify: (value) => value === true },
  { ...scalar('bool', /^(?:[Nn]o|NO|[Ff]alse|FALSE|[Oo]ff|OFF)$/, () => false), identify: (value) => value === false },
  scalar('int', /^[-+]?0[0-7_]+$/, (text) => signed(text, (digits) => Number.parseInt(digits, 8))),
  scalar('int', /^[-+]?0x[0-9a-fA-F_]+$/, (text) => signed(text, Number)),
  { ...scalar('int', /^[-+]?(?:0|[1-9][0-9_]*)$/, exact), identify: Number.isInteger },
  {
    ...scalar('float', /^[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?$/, (text) =>
      signed(text, Number),
    ),
    identify: (value) => typeof value === 'number',
  },
];

export const pythonYaml: ParseOptions & DocumentOptions & SchemaOptions = {
  version: '1.1',
  schema: 'failsafe',
  customTags: pythonTags,
  prettyErrors: false,
};
