import { toldFile } from '../../codec/guard.ts';
import type { LocalSettings } from '../../model/settings.ts';

/** Where this node's PostgreSQL keeps what. */
export function placesOf(local: LocalSettings) {
  const { dataDir, configDir, binDir, binNames, pgpass } = local.postgres;
  return {
    dataDir,
    control: `${dataDir}/global/pg_control`,
    pidFile: `${dataDir}/postmaster.pid`,
    standbySignal: `${dataDir}/standby.signal`,
    recoverySignal: `${dataDir}/recovery.signal`,
    backupLabel: `${dataDir}/backup_label`,
    told: toldFile(local.stateDir),
    promoteFile: `${dataDir}/promote`,
    autoConf: `${dataDir}/postgresql.auto.conf`,
    dynamicCache: `${dataDir}/patroni.dynamic.json`,
    conf: `${configDir}/postgresql.conf`,
    baseConf: `${configDir}/postgresql.base.conf`,
    hba: `${configDir}/pg_hba.conf`,
    ident: `${configDir}/pg_ident.conf`,
    pgpass,
    serviceFile: `${local.stateDir}/pg_service.conf`,
    stateDir: local.stateDir,
    log: `${local.stateDir}/postgres.log`,
    /** What a job that rewrites the data directory is doing: still there when it died. */
    marker: `${local.stateDir}/job.json`,
    program: (name: string): string => {
      const named = binNames[name] ?? name;
      return binDir === null ? named : `${binDir}/${named}`;
    },
  };
}

export type Places = ReturnType<typeof placesOf>;
