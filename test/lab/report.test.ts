import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Campaign } from '../../src/lab/report/campaign.ts';
import { type Comparison, compare } from '../../src/lab/report/compare.ts';
import { htmlOf } from '../../src/lab/report/html.ts';
import { junitOf } from '../../src/lab/report/junit.ts';
import { printed } from '../../src/lab/report/printed.ts';
import { tableOf } from '../../src/lab/report/table.ts';
import { spread } from '../../src/lab/report/words.ts';
import { runCampaign, turnsOf } from '../../src/lab/scenario/campaign.ts';
import { errorsSince } from '../../src/lab/scenario/errors.ts';
import { refuseNamesakes, shippedScenarios } from '../../src/lab/scenario/shelf.ts';
import { phaseNames } from '../../src/lab/verdict/phases.ts';
import type { Verdict } from '../../src/lab/verdict/verdict.ts';
import { ms } from '../../src/lab/verdict/words.ts';

type Compared = Comparison['scenarios'][number];
const gap = (gapMs: number) => ({ gapMs, fromMs: 0, untilMs: gapMs });
const sound: Verdict = {
  scenario: 'power-primary',
  title: '',
  description: '',
  red: null,
  run: 1,
  passed: true,
  broken: null,
  expectations: [{ text: 'another primary', held: true, measured: 'node1 → node2' }],
  judged: [1, 2, 3, 4],
  laws: [],
  phases: phaseNames.map((name) => ({ name, afterMs: 16_400, by: '' })),
  gaps: {
    'direct write': gap(16_360),
    'proxied write': gap(22_980),
    'direct read': gap(2_070),
    'proxied read': gap(15_220),
  },
  errors: {
    'direct write': { unreachable: 36, '57P01': 2 },
    'proxied write': { lost: 51 },
    'direct read': { lost: 2 },
    'proxied read': {},
  },
  reads: { reads: 0, stalestMs: null, backwards: 0 },
  writes: { acknowledged: 900, failed: 0, unknown: 2, unknownPresent: 1, lost: 12, doubled: 3, reordered: 0 },
  splitBrainMs: 0,
  streamingAgainMs: 15_870,
  primaryBefore: 'node1',
  primaryAfter: 'node2',
  memoryMb: null,
  steps: [],
  tookMs: 20_000,
};
const campaign = (verdicts: readonly Verdict[]): Campaign => ({
  startedWall: '2026-01-01T00:00:00.000Z',
  agentCommand: 'matriarch agent {config}',
  ttlS: 6,
  cores: 2,
  otherLabs: 0,
  runsWanted: verdicts.length,
  endedBy: null,
  verdicts,
});
const broken: Verdict = {
  ...sound,
  passed: false,
  laws: [
    { law: 1, kind: 'splitBrain', text: '' },
    { law: 2, kind: 'lost', text: '' },
    { law: 2, kind: 'lost', text: '' },
  ],
  splitBrainMs: 1_250,
  expectations: [{ text: 'another primary', held: false, measured: 'still node1' }],
};
/** The cells below the heads of one table, by scenario and head; heads that come twice get a number. */
function cellsOf(text: string, title: RegExp, scenario: string): Readonly<Record<string, string>> {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => title.test(line));
  const heads = (lines[at + 1] ?? '').split(/ {2,}/);
  const row = lines.slice(at).find((line) => line.startsWith(`${scenario} `)) ?? '';
  return Object.fromEntries(row.split(/ {2,}/).map((cell, index) => [heads[index], cell]));
}

test('the table tells the errors of both kinds of path, and how many of the laws judged were broken', () => {
  const told = (verdict: Verdict) => cellsOf(tableOf(campaign([verdict])), /^What became/, 'power-primary');
  const well = told(sound);
  assert.deepEqual([well.errors, well['by HAProxy']], ['40', '51']);
  assert.deepEqual([well['laws broken'], well.expected, well['two primaries']], ['0 of 4', '1 of 1', 'never']);
  const ill = told(broken);
  assert.deepEqual([ill['laws broken'], ill.expected, ill['two primaries']], ['2 of 4', '0 of 1', '1.25 s']);
  assert.equal(told({ ...sound, judged: [1, 3, 4] })['laws broken'], '0 of 3', 'what is left was asked of nobody');
});

test('how far reads were behind is told of the stalest run', () => {
  const reads = (stalestMs: number | null, backwards = 0) => ({ reads: 900, stalestMs, backwards });
  const stale = { ...sound, scenario: 'cable-replica', reads: reads(2_310, 4) };
  assert.match(
    tableOf(campaign([{ ...sound, reads: reads(40) }, stale, { ...sound, reads: reads(null) }])),
    /\n900 reads: at most 2\.31 s behind what had been acknowledged, 4 of them showed less than the one before \(cable-replica, the stalest\)\n/,
  );
  assert.match(tableOf(campaign([{ ...sound, reads: reads(null) }])), /\n900 reads: none was behind/);
  assert.ok(!/reads:/.test(tableOf(campaign([sound]))), 'nothing was read');
});

test('of several runs the sums, and of times the median and the worst in one unit', () => {
  const quick = { ...sound, run: 2, gaps: { ...sound.gaps, 'direct write': gap(620) } };
  const text = tableOf(campaign([sound, quick, { ...quick, run: 3 }]));
  assert.equal(cellsOf(text, /^Longest/, 'power-primary').write, '0.6–16.4 s');
  assert.equal(cellsOf(text, /^What became/, 'power-primary').errors, '120');
});

test('the longest figures of every scenario that comes with the program fit into 120 columns', () => {
  const names = shippedScenarios().map(({ name }) => name);
  const twice = campaign(names.flatMap((scenario) => [1, 2].map((run) => ({ ...sound, scenario, run }))));
  const once = campaign(names.map((scenario) => ({ ...sound, scenario })));
  const ill = campaign(names.map((scenario) => ({ ...broken, laws: [], expectations: [], scenario })));
  for (const text of [
    tableOf(once),
    tableOf(twice),
    compare(once, ill),
    compare(twice, twice),
    compare(once, campaign([])),
  ])
    for (const line of text.split('\n')) assert.ok(line.length <= 120, `${line.length}: ${line}`);
});

test('what clients met before the window that is judged is no error of the scenario', () => {
  const none = { 'direct write': {}, 'proxied write': {}, 'direct read': {}, 'proxied read': {} };
  const before = { ...none, 'proxied read': { unreachable: 84 }, 'direct write': { lost: 1 } };
  const now = { ...before, 'proxied read': { unreachable: 84, lost: 2 }, 'direct write': { lost: 4 } };
  assert.deepEqual(errorsSince(before, now), { ...none, 'proxied read': { lost: 2 }, 'direct write': { lost: 3 } });
});

test('a campaign that was ended before its time does not look complete anywhere', () => {
  const whole = campaign([sound]);
  const told = (shown: Campaign) => [tableOf(shown), junitOf(shown), htmlOf(shown, [])];
  for (const text of told(whole)) assert.doesNotMatch(text, /were judged|before its time|<error/);
  const ended = { ...whole, runsWanted: 7, endedBy: 'SIGTERM' };
  for (const text of told(ended)) assert.match(text, /1 of 7 runs were judged: ended by SIGTERM/);
  const [table, junit, html] = told(ended);
  assert.match(table ?? '', /1 passed, 0 failed.*\n1 of 7 runs were judged: ended by SIGTERM\n$/);
  assert.match(junit ?? '', /tests="2" failures="0" errors="1"/, 'for CI it is no success');
  assert.match(html ?? '', /<title>[^<]*1 of 1 passed, ended before its time/);
  const [unread] = told({ ...whole, runsWanted: 7, endedBy: 'its output was closed' });
  assert.match(unread ?? '', /1 of 7 runs were judged: ended because its output was closed/);
});

test('a figure is rounded before its unit is chosen, and one of a thing is no plural', () => {
  const told = [0.4, 999.4, 999.6, 99_994, 99_996, 119_700, 124_000].map(ms);
  assert.deepEqual(told, ['0 ms', '999 ms', '1.00 s', '99.99 s', '1 min 40 s', '2 min 0 s', '2 min 4 s']);
  const spreads = [999.6, 9_996, 99_960].map((worst) => spread([worst, worst]));
  assert.deepEqual(spreads, ['1.00–1.00 s', '10.0–10.0 s', '100–100 s']);
  assert.match(tableOf(campaign([sound])), /^1 scenario, 1 run: 1 passed, 0 failed/m);
  assert.match(tableOf(campaign([sound, { ...sound, run: 2 }])), /^1 scenario, 2 runs: /m);
});

test('runs of one name are counted over the whole campaign, those of one set-up after one another', () => {
  const [one, two] = shippedScenarios();
  assert.ok(one !== undefined && two !== undefined);
  const five = { ...two, name: 'five', setUp: { ...two.setUp, nodes: 5 } };
  const plays = [one, five, one].map((scenario) => ({ scenario }));
  const turns = turnsOf(plays, 2, { ttlS: 6, agentCommand: null });
  assert.deepEqual(
    turns.map(({ scenario, run, runs }) => `${scenario.name} ${run}/${runs}`),
    [...[1, 2, 3, 4].map((run) => `${one.name} ${run}/4`), 'five 1/2', 'five 2/2'],
  );
});

test('two scenarios of one name are refused; one that is named twice is not', () => {
  const [scenario] = shippedScenarios();
  assert.ok(scenario !== undefined);
  const { name } = scenario;
  refuseNamesakes([
    { word: name, scenario },
    { word: `copy/${name}.yml`, scenario: structuredClone(scenario) },
  ]);
  const other = { ...scenario, steps: scenario.steps.slice(1) };
  assert.throws(
    () =>
      refuseNamesakes([
        { word: name, scenario },
        { word: `mine/${name}.yml`, scenario: other },
      ]),
    new RegExp(
      `^Error: ${name} and mine/${name}\\.yml are two scenarios of one name, ${name}, .*: give the file another name$`,
    ),
  );
});

test('what is printed beside another campaign is one document still, of every format', () => {
  const [now, before] = [campaign([sound]), campaign([broken, { ...broken, scenario: 'gone' }])];
  const json = printed(now, before, 'json');
  const read = JSON.parse(json.stdout);
  assert.equal(json.stderr, '');
  assert.deepEqual(read.verdicts, [sound]);
  assert.deepEqual(
    read.comparison.scenarios.map(({ scenario, now: ours, before: theirs }: Compared) => [
      scenario,
      ours?.lawsBroken ?? null,
      theirs?.lawsBroken ?? null,
    ]),
    [
      ['power-primary', 0, 2],
      ['gone', null, 2],
    ],
  );
  assert.ok(!('comparison' in JSON.parse(printed(now, null, 'json').stdout)));
  const junit = printed(now, before, 'junit');
  assert.deepEqual([junit.stdout, junit.stderr], [junitOf(now), compare(now, before)]);
  assert.equal(printed(now, null, 'junit').stderr, '');
  const table = printed(now, before, 'table');
  assert.equal(table.stdout, `${tableOf(now)}\n${compare(now, before)}`);
  const nothing = { ...campaign([]), runsWanted: 1, endedBy: 'SIGINT' };
  assert.equal(JSON.parse(printed(nothing, null, 'json').stdout).endedBy, 'SIGINT', 'also of no run at all');
  assert.equal(printed(nothing, null, 'table').stdout, '');
});

test('side by side: what only the other campaign has run is shown, with a dash for this one', () => {
  const text = compare(campaign([sound]), campaign([{ ...broken, scenario: 'gone' }]));
  assert.deepEqual(Object.values(cellsOf(text, /^Longest/, 'gone')).slice(1, 3), ['- / 0 of 1', '- / 16.36 s']);
  assert.equal(cellsOf(text, /^What became/, 'gone').lost, '- / 12');
  assert.equal(cellsOf(text, /^What became/, 'power-primary').lost, '12 / -');
});

test('a campaign knows how many runs were asked for, and by what it was ended', async () => {
  const [scenario] = shippedScenarios();
  assert.ok(scenario !== undefined);
  const running = runCampaign({
    plays: [{ scenario }, { scenario }],
    times: 3,
    ttlS: 6,
    agentCommand: null,
    say: () => {},
    began: () => {},
    over: () => true, // before any lab is made
    judged: () => assert.fail('nothing is played'),
  });
  await running.played;
  const { runsWanted, endedBy, verdicts } = running.soFar('SIGTERM');
  assert.deepEqual([runsWanted, endedBy, verdicts], [6, 'SIGTERM', []]);
  const before = { ...campaign([sound]), runsWanted: 2, endedBy: 'SIGINT' };
  assert.match(compare(campaign([sound]), before), /^[^(\n]* \/ [^(\n]*\(1 of 2 runs were judged: ended by SIGINT\)$/m);
});

test('side by side: errors and broken laws of both', () => {
  const text = compare(campaign([sound]), campaign([{ ...broken, errors: { ...sound.errors, 'direct write': {} } }]));
  const told = cellsOf(text, /^What became/, 'power-primary');
  assert.deepEqual([told.errors, told['laws broken']], ['40 / 2', '0 / 2']);
});
