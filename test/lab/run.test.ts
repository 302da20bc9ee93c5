import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readScenario } from '../../src/codec/scenario/read.ts';
import { labCommandLine } from '../../src/lab/program.ts';
import type { Campaign } from '../../src/lab/report/campaign.ts';
import { lastingTraces } from './traces.ts';

/** `matriarch lab run` on real machines, and what it leaves behind: verdicts, and no lab. */
const folder = mkdtempSync(join(tmpdir(), 'matriarch-run-'));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function labRun(args: readonly string[], meanwhile?: (line: string, interrupt: () => void) => void): Promise<Ended> {
  const [program = '', ...rest] = [...labCommandLine(), 'run', ...args];
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    meanwhile?.(text, () => child.kill('SIGINT'));
  });
  return new Promise((settle, fail) => {
    child.once('error', fail);
    child.once('close', (code) => settle({ code, stdout, stderr }));
  });
}
const campaignIn = (report: string): Campaign => JSON.parse(readFileSync(join(report, 'verdict.json'), 'utf8'));
/** The folder of the lab that it made. */
const placeOf = ({ stderr }: Ended): string => /making 3 machines and a client in (\S+)/.exec(stderr)?.[1] ?? '';

test('two scenarios in one lab: played, judged, reported', async () => {
  const report = join(folder, 'well');
  const ran = await labRun(['postmaster-killed-primary', 'switchover', '--report', report]);
  assert.equal(ran.code, 0, ran.stderr + ran.stdout);
  assert.equal(ran.stderr.match(/making 3 machines/g)?.length, 1, 'the second was played in the lab of the first');
  assert.match(ran.stdout, /2 scenarios, 2 runs: 2 passed, 0 failed/);
  const { verdicts } = campaignIn(report);
  assert.deepEqual(
    verdicts.map(({ scenario, passed, laws }) => [scenario, passed, laws]),
    [
      ['postmaster-killed-primary', true, []],
      ['switchover', true, []],
    ],
  );
  const [killed, moved] = verdicts;
  assert.match(killed?.steps[0]?.text ?? '', /^kill postmaster of primary: node\d$/, 'who that was, by name alone');
  const after_ = (name: string): number | null | undefined =>
    moved?.phases.find((phase) => phase.name === name)?.afterMs;
  const times = ['lease free', 'elected', 'promoted', 'first acknowledged write'].map(after_);
  assert.ok(
    times.every((at) => typeof at === 'number'),
    `every phase of a switchover was seen: ${times}`,
  );
  assert.deepEqual(
    times,
    times.toSorted((a, b) => (a ?? 0) - (b ?? 0)),
    'in their order',
  );
  assert.ok((killed?.gaps['direct write'].gapMs ?? 0) > 50, 'a killed server is missed by its clients');
  for (const { writes, gaps, streamingAgainMs, memoryMb } of verdicts) {
    assert.ok(memoryMb !== null && memoryMb > 200 && memoryMb < 1_500, `the whole lab in 1.5 GB: ${memoryMb} MB`);
    assert.ok(writes.acknowledged > 200, `${writes.acknowledged} writes`);
    assert.equal(writes.lost + writes.doubled + writes.reordered, 0);
    assert.ok(
      Object.values(gaps).every(({ gapMs }) => gapMs !== null),
      'all four clients were served',
    );
    assert.ok(streamingAgainMs !== null);
  }
  assert.match(readFileSync(join(report, 'junit.xml'), 'utf8'), /tests="2" failures="0"/);
  assert.match(readFileSync(join(report, 'report.html'), 'utf8'), /2 of 2 passed/);
  assert.ok(placeOf(ran) !== '');
  assert.deepEqual(await lastingTraces(placeOf(ran)), [], 'no lab is left behind');
});

test('planted: without its guards an agent that is frozen leaves two primaries, and the verdict says so', async () => {
  const file = join(folder, 'unguarded.yml');
  writeFileSync(
    file,
    `title: Frozen without guards
description: Every guard is switched off by name.
set-up: { config: { watchdog: { mode: 'off', guard: 'off' } } }
steps:
  - freeze: agent of primary
  - wait for: another primary
  - wait: 1500 ms
  - thaw: agent of primary
expect: { primary: changed }
`,
  );
  const report = join(folder, 'ill');
  const ran = await labRun([file, '--report', report, '--ttl', '5', '--format', 'junit']);
  assert.equal(ran.code, 1, ran.stderr + ran.stdout);
  assert.match(ran.stdout, /failures="1"[\s\S]*two primaries acknowledged writes/);
  const [verdict] = campaignIn(report).verdicts;
  const kinds = verdict?.laws.map(({ kind }) => kind) ?? [];
  assert.ok(kinds.includes('splitBrain') && kinds.includes('wroteWithoutRight'), kinds.join(', '));
  assert.ok((verdict?.splitBrainMs ?? 0) > 500, `for ${verdict?.splitBrainMs} ms`);
});

test('Ctrl-C ends it with everything; what struck at random until then is kept, and strikes again as it did', async () => {
  const report = join(folder, 'random');
  const log = join(report, 'random-5.yml');
  const played = /random-5: ((?!wait ).+)\n/g;
  /** Until two faults have struck. */
  const begin = async (args: readonly string[]): Promise<readonly string[]> => {
    let said = '';
    const ran = await labRun(args, (text, interrupt) => {
      const before = [...said.matchAll(played)].length;
      said += text;
      if (before < 2 && [...said.matchAll(played)].length >= 2) interrupt();
    });
    assert.equal(ran.code, 130, ran.stderr);
    assert.ok(placeOf(ran) !== '');
    assert.deepEqual(await lastingTraces(placeOf(ran)), [], 'no lab is left behind');
    return [...said.matchAll(played)].map(([, step = '']) => step).slice(0, 2);
  };
  const struck = await begin(['random', '--seed', '5', '--report', report]);
  const { runsWanted, endedBy, verdicts } = campaignIn(report);
  assert.deepEqual([runsWanted, endedBy, verdicts], [1, 'SIGINT', []], 'and does not look complete');
  const read = readScenario(readFileSync(log, 'utf8'), 'random-5.yml', 'random-5');
  assert.ok(read.kind === 'ok', JSON.stringify(read));
  assert.ok(read.scenario.steps.length >= 4, 'two faults, and a pause before each');
  assert.deepEqual(await begin([log]), struck);
});

test('what cannot be played is refused before a lab is made', async () => {
  const ran = await labRun(['switchover', 'swichover']);
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /there is no scenario swichover/);
  assert.ok(!ran.stderr.includes('making'));
  const named = await labRun(['switchover', '--mode', 'quorum']);
  assert.equal(named.code, 2);
  assert.match(named.stderr, /--mode quorum is of random alone/);
  assert.ok(!named.stderr.includes('making'));
  const namesake = join(folder, 'switchover.yml');
  writeFileSync(namesake, 'title: Another\ndescription: It waits.\nsteps: [wait: 1 s]\nexpect: {}\n');
  const alike = await labRun(['switchover', namesake]);
  assert.equal(alike.code, 2);
  assert.match(alike.stderr, /are two scenarios of one name, switchover/);
  assert.ok(!alike.stderr.includes('making'));
});
