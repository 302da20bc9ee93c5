import { cpSync, existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Lab } from '../lab.ts';
import { serviceLog } from '../serviceLog.ts';

/** Copies what tells why a figure is as it is: the logs of agents, etcd and PostgreSQL, and the histories of the writers. */
export function keepLogsOf(lab: Lab, folder: string): void {
  cpSync(dirname(lab.logPath('client', 'haproxy')), folder, { recursive: true });
  for (const { name } of lab.nodes) {
    try {
      cpSync(dirname(serviceLog(lab, name, 'postgres')), join(folder, `${name}-postgres`), { recursive: true });
    } catch {
      // PostgreSQL never ran there
    }
  }
  const { machine } = lab.client;
  const written = machine.hostPath(dirname(machine.plan.paths.pgpass));
  if (!existsSync(written)) return;
  for (const name of readdirSync(written).filter((file) => file.startsWith('bench-')))
    cpSync(join(written, name), join(folder, name));
}
