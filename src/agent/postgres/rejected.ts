import type { Mistake } from '../../codec/postgres/mistakes.ts';
import type { Settings } from '../../model/settings.ts';
import type { PostgresParts } from './parts.ts';

export interface Rejected {
  /** The settings without the parameters that this server does not take. */
  without(settings: Settings): Settings;
  /** Those of these that are ours are left out from now on, until their value is another. Gives their names. */
  reject(mistakes: readonly Mistake[]): readonly string[];
  /** They were not what kept the server from starting. */
  restore(names: readonly string[]): void;
}

/**
 * With a name that PostgreSQL does not know, or a value that it does not accept, it starts no more; at a reload an unknown
 * name keeps it from taking anything, a new upstream included. So a parameter that it names as wrong is left out, told, and
 * tried again when somebody has changed it.
 */
export function makeRejected(settings: () => Settings, note: PostgresParts['note']): Rejected {
  const rejected = new Map<string, string>();
  const takes = (name: string, value: string | undefined): boolean => rejected.get(name) !== value;

  return {
    without(all) {
      if (rejected.size === 0) return all;
      const { parameters, commandLine } = all.postgres;
      return {
        ...all,
        postgres: {
          ...all.postgres,
          parameters: Object.fromEntries(Object.entries(parameters).filter(([name, value]) => takes(name, value))),
          commandLine: commandLine.filter(([name, value]) => takes(name, value)),
        },
      };
    },
    reject(mistakes) {
      const { parameters } = settings().postgres;
      const ours = mistakes.filter(({ name }) => {
        const value = parameters[name];
        return value !== undefined && takes(name, value);
      });
      for (const { name, why } of ours) {
        const value = parameters[name] ?? '';
        if (!takes(name, value)) continue; // named twice
        rejected.set(name, value);
        note('error', `the parameter ${name} is left out: PostgreSQL does not take it`, [
          ['why', why],
          ['remedy', 'correct it with edit-config, or in the configuration file'],
        ]);
      }
      return [...new Set(ours.map(({ name }) => name))];
    },
    restore(names) {
      for (const name of names) rejected.delete(name);
    },
  };
}
