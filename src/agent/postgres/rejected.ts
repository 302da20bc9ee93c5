import type { Mistake } from '../../codec/postgres/mistakes.ts';
import type { Settings } from '../../model/settings.ts';
import type { PostgresParts } from './parts.ts';

export interface Rejected {
  /** The settings without the parameters that this server does not take. */
  without(settings: Settings): Settings;
  /** True: some of these are ours and are left out from now on, until their value is another. */
  reject(mistakes: readonly Mistake[]): boolean;
}

/**
 * One wrong word among the parameters, and PostgreSQL starts no more; at a reload it takes none of the others, a new
 * upstream included. So whatever it names as wrong is left out, told, and tried again when somebody has changed it.
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
          ['value', value],
          ['why', why],
          ['remedy', 'correct it with edit-config, or in the configuration file'],
        ]);
      }
      return ours.length > 0;
    },
  };
}
