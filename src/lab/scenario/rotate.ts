import { readFileSync, writeFileSync } from 'node:fs';
import type { Lab } from '../lab.ts';
import { ctlOn, sqlOn } from '../psql.ts';

/**
 * The replication user gets another password, as an operator gives it: first in the database, then in the file of every
 * node, then the agents read their files again.
 */
export async function rotatePassword(lab: Lab, leader: string): Promise<void> {
  const password = `rotated-${Date.now()}`;
  await sqlOn(lab, leader, `alter role replicator password '${password}'`);
  for (const { name, machine } of lab.nodes) {
    const path = machine.hostPath(machine.plan.paths.config);
    const text = readFileSync(path, 'utf8');
    const changed = text.replace(/("username": "replicator", "password": )"[^"]*"/, `$1"${password}"`);
    if (changed === text) throw new Error(`${path} names no password of the replication user`);
    writeFileSync(path, changed);
    const ran = await ctlOn(lab, name, ['reload', lab.plan.scope, name, '--force']);
    if (ran.code !== 0) throw new Error(`reload of ${name}: ${(ran.stderr || ran.stdout).trim()}`);
  }
}
