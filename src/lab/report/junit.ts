import { escaped } from '../../picture/page.ts';
import { type Campaign, complaintsOf, endedEarly, failedOf } from './campaign.ts';

/** For CI: one test case a run, the complaints as its failure. A campaign that was ended before its time is an error, or nobody would see it there. */
export function junitOf(campaign: Campaign): string {
  const { verdicts, startedWall } = campaign;
  const seconds = (ms: number): string => (ms / 1_000).toFixed(3);
  const totalMs = verdicts.reduce((sum, { tookMs }) => sum + tookMs, 0);
  const failed = failedOf(campaign);
  const cases = verdicts.map((verdict) => {
    const open = `    <testcase classname="lab" name="${escaped(`${verdict.scenario} ${verdict.run}`)}" time="${seconds(verdict.tookMs)}"`;
    if (verdict.passed) return `${open}/>`;
    const complaints = complaintsOf(verdict);
    return `${open}>\n      <failure message="${escaped(printable(complaints[0] ?? ''))}">${escaped(printable(complaints.join('\n')))}</failure>\n    </testcase>`;
  });
  const early = endedEarly(campaign);
  if (early !== null)
    cases.push(
      `    <testcase classname="lab" name="all runs" time="0.000">\n      <error message="${escaped(early)}"/>\n    </testcase>`,
    );
  const counts = `tests="${cases.length}" failures="${failed.length}" errors="${early === null ? 0 : 1}" time="${seconds(totalMs)}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites ${counts}>
  <testsuite name="matriarch lab" ${counts} timestamp="${startedWall}">
${cases.join('\n')}
  </testsuite>
</testsuites>
`;
}

/** XML has no way to write most control characters, and messages of programs may hold any. */
const printable = (text: string): string =>
  [...text].filter((one) => one === '\n' || one === '\t' || one >= ' ').join('');
