import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { readScenario } from '../../codec/scenario/read.ts';
import type { Scenario } from '../../model/scenario.ts';
import { programRoot } from '../program.ts';
import { cutScenarios } from '../proofs/cuts.ts';
import { matrixScenarios } from '../proofs/matrix.ts';
import { synchronousModes } from './modes.ts';

/** The scenarios that come with the program, and those in files of one's own. */

const shelf = join(programRoot, 'scenarios');
/** The tutorial's first. */
const folders = ['tutorial', 'more'] as const;

export const shippedScenarios = (): readonly Scenario[] =>
  folders.flatMap((folder) =>
    readdirSync(join(shelf, folder))
      .filter((name) => name.endsWith('.yml'))
      .map((name) => readFile(join(shelf, folder, name)))
      .toSorted((a, b) => a.name.localeCompare(b.name)),
  );

/** Cases of campaigns: by name only, there are hundreds. */
const provenCases = (): readonly Scenario[] => [...matrixScenarios(), ...synchronousModes.flatMap(cutScenarios)];

/** By names, `all`, or files. Throws with every complaint about what it was given. */
export function chooseScenarios(wanted: readonly string[], long: boolean): readonly Scenario[] {
  const shipped = shippedScenarios();
  const known = [...shipped, ...provenCases()];
  return wanted.flatMap((word): readonly Scenario[] => {
    if (word === 'all') return shipped.filter((scenario) => long || !scenario.long);
    const found = known.find(({ name }) => name === word);
    if (found !== undefined) return [found];
    if (/\.ya?ml$/.test(word) || existsSync(word)) return [readFile(word)];
    throw new Error(`there is no scenario ${word}, and no such file: "matriarch lab run --list" names them`);
  });
}

/** Reports tell runs apart by the name of their scenario: throws when two that are not the same have one. */
export function refuseNamesakes(chosen: readonly { readonly word: string; readonly scenario: Scenario }[]): void {
  const firsts = new Map<string, (typeof chosen)[number]>();
  for (const one of chosen) {
    const { name } = one.scenario;
    const first = firsts.get(name);
    if (first === undefined) firsts.set(name, one);
    else if (!isDeepStrictEqual(one.scenario, first.scenario))
      throw new Error(
        `${first.word} and ${one.word} are two scenarios of one name, ${name}, by which reports tell their runs apart: give the file another name`,
      );
  }
}

function readFile(path: string): Scenario {
  const text = readText(path);
  const read = readScenario(text, path, basename(path).replace(/\.ya?ml$/, ''));
  if (read.kind === 'ok') return read.scenario;
  throw new Error(read.problems.join('\n'));
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`${path} cannot be read`, { cause: error });
  }
}
