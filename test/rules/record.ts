import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Rule } from '../../src/decide/rule.ts';
import { rules } from '../../src/decide/rules.ts';

/**
 * Loaded before a file of scenarios: notes which rules decided in it, a file for each process in the folder that
 * RULES_FOLDER names. Random seeds do not count: what they reach today they may not reach tomorrow. Nor do rehearsals: they ask
 * all rules about worlds that are not.
 */
const folder = process.env.RULES_FOLDER;
const file = process.argv[1] ?? '';
if (
  folder !== undefined &&
  /\.test\.ts$/.test(file) &&
  !/(seeds|rehearse|postgres-conformance)\.test\.ts$/.test(file)
) {
  const decided = new Set<string>();
  for (const rule of rules as readonly { -readonly [Field in keyof Rule]: Rule[Field] }[]) {
    const { judge } = rule;
    rule.judge = (seen) => {
      const verdict = judge(seen);
      if (verdict !== undefined) decided.add(rule.name);
      return verdict;
    };
  }
  process.on('exit', () => appendFileSync(join(folder, `${process.pid}`), [...decided, ''].join('\n')));
}
