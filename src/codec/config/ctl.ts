import type { EtcdSettings, HostPort, LocalSettings } from '../../model/settings.ts';
import { overlayEnvironment } from './environment.ts';
import { readEtcd } from './etcd.ts';
import { readHostPort } from './local.ts';
import { parsePlaced, withoutEmpty } from './places.ts';
import { readCaller, readTls, stateDirOf, withoutEndSlash } from './rest.ts';
import { ctlSchema } from './schema.ts';

/** What the command line works with: an agent's file has it all, `patronictl.yaml` perhaps only where etcd is. */
export interface CtlSettings {
  /** Null: every command must be told the cluster. */
  readonly scope: string | null;
  readonly namespace: string;
  /** Null: not said. */
  readonly etcd: EtcdSettings | null;
  readonly ctl: LocalSettings['ctl'];
  readonly rest: Pick<LocalSettings['rest'], 'authentication' | 'tls'>;
  /** CAs that vouch for the members' APIs, where `ctl.cacert` says none. */
  readonly restCaFile: string | null;
  /** The node that the file is for; null: for none. */
  readonly node: { readonly name: string; readonly api: HostPort; readonly stateDir: string | null } | null;
}

export type CtlRead =
  | { readonly kind: 'settings'; readonly settings: CtlSettings }
  | { readonly kind: 'failed'; readonly why: string };

/** Like the agent, but content with less: an empty text and PATRONI_* do. Unknown keys are the agent's business. */
export function readCtlConfig(text: string, fileName: string, env: Readonly<Record<string, string>>): CtlRead {
  const parsed = parsePlaced(isBlank(text) ? '{}' : text, fileName);
  if (parsed.kind === 'bad') return { kind: 'failed', why: parsed.problems.join('\n') };
  const { value, from } = overlayEnvironment(withoutEmpty(parsed.value), env);
  const problems: string[] = [];
  const wrong = (path: readonly PropertyKey[], what: string): void => {
    const where = from.get(path.join('.')) ?? parsed.placed.at(path);
    problems.push(`${where}: ${path.join('.')}: ${what}`);
  };
  const checked = ctlSchema.safeParse(value);
  for (const { path, message } of checked.error?.issues ?? []) wrong(path, message);
  if (!checked.success) return { kind: 'failed', why: problems.join('\n') };
  const { scope, name, namespace, restapi: rest = {}, ctl, etcd3, etcd, postgresql, matriarch } = checked.data;
  const section = etcd3 ?? etcd;
  const found =
    section === undefined ? null : readEtcd(section, (what) => wrong([etcd3 === undefined ? 'etcd' : 'etcd3'], what));
  const address = rest.connect_address ?? rest.listen;
  const api = address === undefined ? null : readHostPort(address, 8008);
  if (problems.length > 0) return { kind: 'failed', why: problems.join('\n') };
  const dataDir = postgresql?.data_dir;
  const stateDir =
    matriarch?.state_dir ?? (dataDir === undefined ? null : stateDirOf(undefined, withoutEndSlash(dataDir)));
  return {
    kind: 'settings',
    settings: {
      scope: scope ?? null,
      namespace: namespace ?? 'service',
      etcd: found,
      ctl: readCaller(ctl),
      rest: { authentication: rest.authentication ?? null, tls: readTls(rest) },
      restCaFile: rest.cafile ?? null,
      node: name === undefined || api === null ? null : { name, api, stateDir },
    },
  };
}

const isBlank = (text: string): boolean => text.split('\n').every((line) => /^\s*(#|$)/.test(line));
