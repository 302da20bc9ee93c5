import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { keepLogsOf } from '../src/lab/bench/keepLogs.ts';
import type { Lab } from '../src/lab/lab.ts';
import type { Campaign } from '../src/lab/report/campaign.ts';
import { htmlOf, sectionOf } from '../src/lab/report/html.ts';
import { junitOf } from '../src/lab/report/junit.ts';
import type { Evidence } from '../src/lab/scenario/evidence.ts';
import type { Verdict } from '../src/lab/verdict/verdict.ts';

/** A folder with a page of all runs, and what was seen of each. */
export interface ReportFolder {
  /** Null: no lab came up for it. */
  keep(verdict: Verdict, evidence: Evidence, lab: Lab | null): void;
  /** The path of the page. */
  write(campaign: Campaign): string;
}

export function makeReportFolder(folder: string): ReportFolder {
  mkdirSync(folder, { recursive: true });
  if (existsSync(join(folder, 'verdict.json')))
    throw new Error(`${folder} holds a report already: name another folder`);
  const sections: string[] = [];
  return {
    keep(verdict, evidence, lab) {
      sections.push(sectionOf(verdict, evidence));
      const own = join(folder, `${verdict.scenario}-${verdict.run}`);
      mkdirSync(own, { recursive: true });
      writeFileSync(join(own, 'evidence.json.gz'), gzipSync(`${JSON.stringify(evidence)}\n`));
      if (!verdict.passed && lab !== null) keepLogsOf(lab, join(own, 'logs'));
    },
    write(campaign) {
      const page = join(folder, 'report.html');
      writeFileSync(page, htmlOf(campaign, sections));
      writeFileSync(join(folder, 'verdict.json'), `${JSON.stringify(campaign, null, 2)}\n`);
      writeFileSync(join(folder, 'junit.xml'), junitOf(campaign));
      return page;
    },
  };
}
