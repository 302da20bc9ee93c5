import { refusalOf } from '../codec/config/merge.ts';
import { compactJson, isObject, parseJson } from '../codec/dcs/json.ts';
import type { Versioned } from '../model/cluster.ts';
import { unifiedDiff } from './diff.ts';
import { type Ctl, readCluster } from './doors.ts';
import { refuse } from './problem.ts';
import { confirm } from './terminal.ts';
import { asJson, type Json, yamlText } from './text.ts';

type Document = { readonly [name: string]: Json };

export async function showConfig(ctl: Ctl): Promise<void> {
  const { config } = await readCluster(ctl);
  if (config !== null) ctl.doors.terminal.out(`${yamlText(documentOf(config))}\n`);
}

export interface EditOptions {
  readonly quiet: boolean;
  readonly set: readonly string[];
  readonly pg: readonly string[];
  /** A file, or `-` for the input. */
  readonly apply: string | null;
  readonly replace: string | null;
  readonly force: boolean;
}

/** Compare and swap: what somebody else wrote meanwhile is never overwritten. */
export async function editConfig(ctl: Ctl, options: EditOptions): Promise<void> {
  const { config } = await readCluster(ctl);
  if (config === null) return refuse(`The config key does not exist in the cluster ${ctl.scope}`);
  const before = documentOf(config);
  const after = await edited(ctl, before, options);
  const diff = unifiedDiff(yamlText(before), yamlText(after));
  if (diff.length === 0) return options.quiet ? undefined : ctl.say('Not changed');
  const text = compactJson(after);
  const refusal = refusalOf(text);
  if (refusal !== null) return refuse(`nothing was changed: ${refusal}`);
  if (!options.quiet) for (const line of diff) ctl.say(ctl.doors.terminal.isScreen ? coloured(line) : line);
  if (!options.force) {
    if (options.apply === '-' || options.replace === '-') return ctl.say('Use --force option to apply changes');
    if (!(await confirm(ctl.doors.terminal, 'Apply these changes?'))) return;
  }
  const outcome = await ctl.door.put('config', text, config.modRevision);
  switch (outcome.kind) {
    case 'done':
      return ctl.say('Configuration changed');
    case 'refused':
      return refuse('Config modification aborted due to concurrent changes');
    case 'unreachable':
      return refuse(`etcd does not answer, nothing was changed: ${outcome.why}`);
    case 'unknown':
      return refuse(`the outcome is not known, look with show-config: ${outcome.why}`);
    default:
      return outcome satisfies never;
  }
}

async function edited(ctl: Ctl, before: Document, options: EditOptions): Promise<Document> {
  let document = before;
  let told = false;
  if (options.replace !== null) {
    document = await readDocument(ctl, options.replace);
    told = true;
  }
  if (options.apply !== null) {
    document = merged(document, await readDocument(ctl, options.apply));
    told = true;
  }
  const settings = [...options.set, ...options.pg.map((setting) => `postgresql.parameters.${setting}`)];
  for (const setting of settings) {
    const [path, text] = splitSetting(setting, options);
    document = withPath(document, path.split('.'), yamlValue(ctl, text, setting), []);
    told = true;
  }
  if (told) return document;
  const answer = await ctl.doors.edit(yamlText(before), `${ctl.scope}-config-`);
  return answer.kind === 'edited' ? documentFrom(ctl, answer.text, 'the edited text') : refuse(answer.why);
}

function splitSetting(setting: string, { pg }: EditOptions): readonly [path: string, value: string] {
  const at = setting.indexOf('=');
  const shown = setting.replace(/^postgresql\.parameters\./, (prefix) =>
    pg.includes(setting.slice(prefix.length)) ? '' : prefix,
  );
  if (at < 1) return refuse(`Invalid parameter setting ${shown}`);
  return [setting.slice(0, at), setting.slice(at + 1)];
}

/** Below postgresql.parameters names hold dots themselves. Null removes, and so do parents left empty. */
function withPath(document: Document, path: readonly string[], value: Json, above: readonly string[]): Document {
  const within = above.join('.') === 'postgresql.parameters';
  const [key = '', ...rest] = within ? [path.join('.')] : path;
  const { [key]: old, ...others } = document;
  if (rest.length === 0) return value === null ? others : { ...document, [key]: value };
  const child = withPath(isDocument(old) ? old : {}, rest, value, [...above, key]);
  return Object.keys(child).length === 0 ? others : { ...document, [key]: child };
}

/** As PATCH /config merges. */
function merged(document: Document, patch: Document): Document {
  const result = new Map(Object.entries(document));
  for (const [key, value] of Object.entries(patch)) {
    const old = result.get(key);
    if (value === null) result.delete(key);
    else result.set(key, isDocument(value) && isDocument(old) ? merged(old, value) : value);
  }
  return Object.fromEntries(result);
}

async function readDocument(ctl: Ctl, path: string): Promise<Document> {
  if (path === '-') return documentFrom(ctl, await ctl.doors.terminal.rest(), 'the input');
  const file = await ctl.doors.files.read(path);
  if (file.kind === 'text') return documentFrom(ctl, file.text, path);
  return refuse(`cannot read ${path}: ${file.kind === 'absent' ? 'there is no such file' : file.why}`);
}

function documentFrom(ctl: Ctl, text: string, name: string): Document {
  const value = yamlValue(ctl, text, name);
  return isDocument(value) ? value : refuse(`${name} is no YAML mapping`);
}

function yamlValue(ctl: Ctl, text: string, name: string): Json {
  const read = ctl.doors.readYaml(text);
  return read.kind === 'value' ? asJson(read.value) : refuse(`${name}: ${read.why}`);
}

function documentOf(config: Versioned): Document {
  const value = asJson(parseJson(config.text));
  return isDocument(value) ? value : {};
}

const isDocument = (value: Json | undefined): value is Document => isObject(value);

function coloured(line: string): string {
  const colour = line.startsWith('+') ? 32 : line.startsWith('-') ? 31 : line.startsWith('@') ? 36 : null;
  return colour === null ? line : `\u001b[${colour}m${line}\u001b[0m`;
}
