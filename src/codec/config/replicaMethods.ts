import { asText } from '../../model/scalars.ts';
import type { ReplicaMethod } from '../../model/settings.ts';
import { splitCommand } from '../command.ts';
import { truth } from './dynamic.ts';

type Json = Readonly<Record<string, unknown>>;
const isMap = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What the agent itself says to a method; a key of that name in its section does not count. */
const reserved = new Set(['command', 'scope', 'datadir', 'role', 'connstring']);
const control = new Set(['no_params', 'no_leader', 'keep_data']);

/** How copies are made, in the order of the list. An entry that cannot be used stays in it, with what is wrong. */
export function readReplicaMethods(section: (name: string) => unknown): {
  readonly methods: readonly ReplicaMethod[];
  readonly warnings: readonly string[];
} {
  const warnings: string[] = [];
  const key = section('create_replica_methods') === undefined ? 'create_replica_method' : 'create_replica_methods';
  const given = section(key);
  const names = Array.isArray(given) ? given.map(asText) : [];
  if (given !== undefined && given !== null && !Array.isArray(given))
    warnings.push(`postgresql.${key}: a list of names is expected; basebackup is used`);
  const methods = names.map((name) => {
    const method = name === 'basebackup' ? { kind: 'basebackup' as const } : readMethod(name, section(name));
    if (method.kind === 'unusable') warnings.push(`postgresql.${key}: ${method.why}; it is passed over`);
    const own = section(name);
    if (method.kind === 'command' && !(isMap(own) && 'command' in own))
      warnings.push(
        `postgresql.${key}: there is no postgresql.${name}.command: the program ${name} itself is run; say there what to run`,
      );
    return method;
  });
  return { methods: methods.length === 0 ? [{ kind: 'basebackup' }] : methods, warnings };
}

function readMethod(name: string, section: unknown): Exclude<ReplicaMethod, { kind: 'basebackup' }> {
  const unusable = (why: string): ReplicaMethod & { kind: 'unusable' } => ({ kind: 'unusable', name, why });
  if (section !== undefined && section !== null && !isMap(section))
    return unusable(`postgresql.${name} is to be a mapping with the key command`);
  const { command = name } = isMap(section) ? section : {};
  if (typeof command !== 'string' || splitCommand(command).length === 0)
    return unusable(`postgresql.${name}.command is to be the command that makes a copy, as a text`);
  const own = isMap(section) ? section : {};
  const is = (word: string): boolean => truth(own[word]) === true;
  const noParams = is('no_params');
  const options = Object.entries(own)
    .filter(([option]) => !reserved.has(option) && !(noParams && control.has(option)))
    .map(([option, value]) => [option, optionText(value)] as const);
  return { kind: 'command', name, command, options, noParams, noLeader: is('no_leader'), keepData: is('keep_data') };
}

/** As Python shows it, since scripts were written for that. */
const optionText = (value: unknown): string =>
  value === true ? 'True' : value === false ? 'False' : value === null ? 'None' : asText(value);
