import { happeningText } from '../codec/rest/happening.ts';
import type { Happening } from '../model/live.ts';
import type { Album } from './album.ts';
import { readEvents, readLeaseLeftMs } from './events.ts';
import type { Lab } from './lab.ts';
import type { LivePage } from './live/page.ts';
import { delay } from './run.ts';
import { drawScene, enterScreen, frame, leaveScreen, type Scene } from './screen.ts';
import { brief } from './status.ts';

/** Shows a lab until it ends: a live screen on a terminal, lines for what changes elsewhere. */
export async function watchLab(lab: Lab, album: Album, page: LivePage | null, ended: Promise<unknown>): Promise<void> {
  let over = false;
  void ended.then(() => {
    over = true;
  });
  const startedMs = performance.now();
  const terminal = process.stdout.isTTY === true;
  const show = terminal ? showScreen : makeLines();
  const heading = `Matriarch lab, ${lab.plan.scope}, ${lab.kind === 'namespaces' ? 'machines of namespaces' : 'without root: no cables'}`;
  if (terminal) {
    process.stdout.write(enterScreen);
    process.once('exit', () => process.stdout.write(leaveScreen)); // however it ends
  }
  let fresh: readonly Happening[] = [];
  const deafen = album.listen((more) => {
    fresh = [...fresh, ...more];
  });
  try {
    while (!over) {
      const status = await lab.status();
      const machines = lab.nodes.map(({ machine }) => machine);
      const [seen, leaseLeftMs] = await Promise.all([
        readEvents(machines),
        readLeaseLeftMs(machines.find(({ plan }) => plan.name === status.leader)),
      ]);
      if (over) break;
      album.add(seen);
      const news = fresh;
      fresh = [];
      show({
        status,
        leaseLeftMs,
        events: terminal ? album.all() : news,
        heading,
        hints: hints(lab, page),
        upForMs: performance.now() - startedMs,
      });
      await Promise.race([ended, delay(700)]);
    }
  } finally {
    deafen();
    if (terminal) process.stdout.write(leaveScreen);
  }
}

function hints(lab: Lab, page: LivePage | null): readonly string[] {
  const { ports } = lab.plan;
  const psql =
    ports === null
      ? []
      : [
          `psql -h localhost -p ${ports.writes} -U postgres (password vagrant) writes, ${ports.reads} reads, http://localhost:${ports.statistics} shows HAProxy`,
        ];
  return [
    ...(page === null ? [] : [`in a browser: ${page.url}`]),
    ...psql,
    'in another terminal: bin/matriarch lab power off node1 · cut node2 · kill node1 postgres · --help; Ctrl-C ends it',
  ];
}

function showScreen(scene: Scene): void {
  // One that was never told its size says 0.
  const { columns, rows } = process.stdout;
  process.stdout.write(frame(drawScene(scene, columns || 120, rows || 40)));
}

/** Prints what is new: here the scene has nothing but fresh events. */
function makeLines(): (scene: Scene) => void {
  let before = '';
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  return ({ status, events, hints }) => {
    if (before === '') for (const hint of hints) print(hint);
    const now = withoutLag(brief(status));
    if (now !== before) print(`${new Date().toTimeString().slice(0, 8)} ${brief(status)}`);
    before = now;
    for (const event of events) print(eventLine(event));
  };
}

const withoutLag = (text: string): string => text.replace(/ lag \S+/g, '');
const eventLine = (event: Happening): string =>
  `${new Date(event.wall).toTimeString().slice(0, 8)} ${event.node} ${happeningText(event)}`;
