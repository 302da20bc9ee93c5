import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from './lab.ts';

/** The file, as the host reads it, that holds a service's log; PostgreSQL's newest one. */
export function serviceLog(lab: Lab, nodeName: string, service: string): string {
  const { machine } = lab.node(nodeName);
  const path =
    service === 'postgres'
      ? newestPostgresLog(machine.hostPath(machine.plan.paths.dataDir))
      : lab.logPath(nodeName, service);
  if (path === null || !existsSync(path)) throw new Error(`there is no log of ${service} on ${nodeName} yet`);
  return path;
}

function newestPostgresLog(dataDir: string): string | null {
  const folder = ['log', 'pg_log'].map((name) => join(dataDir, name)).find((path) => existsSync(path));
  if (folder === undefined) return null;
  const files = readdirSync(folder).map((name) => join(folder, name));
  return files.toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0] ?? null;
}
