import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { makeDcsReader } from '../src/agent/dcs/reader.ts';
import { readCtlConfig } from '../src/codec/config/ctl.ts';
import { mergeConfigTexts } from '../src/codec/config/local.ts';
import { pythonYaml } from '../src/codec/config/python.ts';
import type { CtlDoors } from '../src/ctl/doors.ts';
import { editText } from '../src/ctl/editor.ts';
import { makeTerminal } from '../src/ctl/terminal.ts';
import { ruleTexts } from '../src/decide/rules.ts';
import { makeChance } from '../src/world/chance.ts';
import { makeClock } from '../src/world/clock.ts';
import { makeEtcdTransport } from '../src/world/etcd/transport.ts';
import { makeFiles } from '../src/world/files.ts';
import { makeHttp } from '../src/world/http.ts';
import { version } from './version.ts';

/** The real outside of the command line. Nothing is opened before a command needs it. */
export function makeCtlDoors(): CtlDoors {
  const clock = makeClock();
  const chance = makeChance();
  return {
    version,
    rules: ruleTexts,
    clock,
    chance,
    terminal: makeTerminal(process.stdin, process.stdout, process.stderr),
    files: makeFiles(),
    settings: async (file) => readSettings(file),
    openCluster(settings, place) {
      const etcd = makeEtcdTransport({ tls: settings.tls });
      const reader = makeDcsReader({ clock, chance, etcd }, { etcd: settings, ...place });
      return {
        async read() {
          const read = await reader.read();
          return read.kind === 'done' ? { ...read, value: read.value.cluster } : read;
        },
        put: (key, text, modRevision) => reader.put(key, text, modRevision),
      };
    },
    openHttp: ({ ctl, restCaFile }) =>
      makeHttp({
        tls: {
          caFile: ctl.cacert ?? restCaFile,
          certFile: ctl.certFile,
          keyFile: ctl.keyFile,
          insecure: ctl.insecure,
        },
      }),
    readYaml(text) {
      try {
        return { kind: 'value', value: parse(text, pythonYaml) };
      } catch (error) {
        return { kind: 'wrong', why: error instanceof Error ? error.message : String(error) };
      }
    },
    edit: (text, name) => editText(text, name),
  };
}

function readSettings(given: string | null): Awaited<ReturnType<CtlDoors['settings']>> {
  const chosen = given ?? process.env.PATRONICTL_CONFIG_FILE ?? null;
  const path = chosen ?? join(homedir(), '.config/patroni/patronictl.yaml');
  if (chosen !== null && !canRead(path))
    return {
      kind: 'failed',
      why: `Provided config file ${path} not existing or no read rights. Check the -c/--config-file parameter`,
    };
  const environment = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  try {
    const text = !existsSync(path)
      ? ''
      : statSync(path).isDirectory()
        ? directoryText(path)
        : readFileSync(path, 'utf8');
    return readCtlConfig(text, path, Object.fromEntries(environment));
  } catch (error) {
    return { kind: 'failed', why: error instanceof Error ? error.message : String(error) };
  }
}

const directoryText = (path: string): string =>
  mergeConfigTexts(
    readdirSync(path)
      .filter((name) => /\.ya?ml$/.test(name))
      .sort()
      .map((name) => ({ name: join(path, name), text: readFileSync(join(path, name), 'utf8') })),
  );

function canRead(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
