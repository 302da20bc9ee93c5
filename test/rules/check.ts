import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rules } from '../../src/decide/rules.ts';

/** Every rule decides in some kept scenario: what never fires there is not known to do what it should. Ends with 1 else. */
const folder = process.env.RULES_FOLDER ?? '';
const decided = new Set(readdirSync(folder).flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n')));
/** What no scenario of the simulator shows yet, and where it is shown instead. */
const elsewhere: Readonly<Record<string, string>> = {
  'primary.hung.leftBehind':
    'the simulated kernel lets go of every process that is killed: test/decide, test/atlas.txt',
  'leading.unresponsive': 'what is hung is told first, and a scenario of the rest is missing: test/atlas.txt',
};
const undecided = rules.map(({ name }) => name).filter((name) => !decided.has(name));
const never = undecided.filter((name) => elsewhere[name] === undefined);
for (const name of undecided) if (elsewhere[name] !== undefined) console.log(`  ${name}: ${elsewhere[name]}`);
console.log(`${rules.length - never.length} of ${rules.length} rules decide in some kept scenario`);
for (const name of never)
  console.error(`  never: ${name}. It needs a scenario in test/sim or test/scenarios in which it decides`);
process.exit(never.length === 0 ? 0 : 1);
