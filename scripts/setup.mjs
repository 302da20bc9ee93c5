// node scripts/setup.mjs lab|test: whatever is missing to run the lab or the tests. Needs nothing but Node.
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installMissing, missingPackages } from './debian.mjs';
import { fileHash, readStamp, sourcesHash } from './stamp.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const purpose = process.argv[2] === 'test' ? 'test' : 'lab';

checkNode();
installModules();
buildProgram();
await installPackages();

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  end(
    `Matriarch needs Node 20.19 or newer, this is ${process.versions.node}: install Node 24 (nodejs.org, or "npx -y node@24 ${process.argv.slice(1).join(' ')}").`,
  );
}

/** npm ci when the lock file is not the one that node_modules was made from. */
function installModules() {
  const stamp = join(root, 'node_modules/.matriarch-lock');
  const hash = fileHash(join(root, 'package-lock.json'));
  if (readStamp(stamp) === hash) return;
  say('installing the npm packages of package-lock.json');
  run('npm', ['ci', '--no-audit', '--no-fund']);
  writeFileSync(stamp, `${hash}\n`);
}

function buildProgram() {
  const whole = ['matriarch.js', 'guardian.js', 'sentinel.sh', 'live.html'].every((name) =>
    existsSync(join(root, 'dist', name)),
  );
  if (whole && readStamp(join(root, 'dist/.stamp')) === sourcesHash(root)) return;
  say('building dist/');
  run(process.execPath, [join(root, 'scripts/build.mjs')]);
}

async function installPackages() {
  const missing = missingPackages(purpose);
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name).join(' ');
  if (!existsSync('/etc/debian_version')) {
    end(`Missing programs: ${missing.map(({ program }) => program).join(', ')}.
This is not Debian, so set-up installs nothing. Install what holds them (on Debian: ${names}), then run this again.`);
  }
  if (process.getuid?.() !== 0) {
    end(`Missing Debian packages: ${names}
Only root can install them. This installs them without starting any service:
  sudo ${process.execPath} ${join(root, 'scripts/setup.mjs')} ${purpose}`);
  }
  say(`installing missing Debian packages: ${names}`);
  const problem = await installMissing(missing, say);
  if (problem !== null) end(problem);
  const still = missingPackages(purpose);
  if (still.length > 0) end(`Installed, but still not found: ${still.map(({ program }) => program).join(', ')}`);
}

function run(program, args) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: 'inherit' });
  if (error !== undefined) end(`${program} could not be started: ${error.message}`);
  if (status !== 0) end(`"${[program, ...args].join(' ')}" failed; its messages are above.`);
}

function say(text) {
  console.error(`set-up: ${text}`);
}

function end(text) {
  console.error(text);
  process.exit(1);
}
