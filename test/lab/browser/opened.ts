import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { BrowserStage } from './stage.ts';

/** Opened, pushed, and only to look at for who has no key. */
export function opened(stage: BrowserStage): void {
  const { album, open, green, button } = stage;

  test('opened on a fresh lab it turns green by itself: small, quick, one file', async () => {
    const bodyText = await (await fetch(new URL('/', stage.served.url))).text();
    const script = /<script>([\s\S]*)<\/script>/.exec(bodyText)?.[1] ?? '';
    const sizeBytes = gzipSync(script).length;
    assert.ok(sizeBytes > 5_000 && sizeBytes <= 60_000, `${sizeBytes} bytes of compressed script`);
    await green();
    assert.deepEqual(await stage.page.locator('.machine h3').allTextContents(), ['node1', 'node2', 'node3', 'client']);
    await stage.page.locator('.legend', { hasText: /^Writes.*\d+\/s/ }).waitFor({ timeout: 20_000 });
    await stage.page.locator('.services .running', { hasText: 'etcd' }).filter({ hasText: 'leader' }).waitFor();
    const paintMs = await stage.page.evaluate<number | undefined>(
      "performance.getEntriesByName('first-contentful-paint')[0]?.startTime",
    );
    await stage.page
      .getByText(/^If node\d died now: node\d( or node\d)? in about \d+\.\d s, \S+ \w+ at risk$/)
      .waitFor();
    assert.ok(paintMs !== undefined && paintMs < 1_000, `first paint after ${paintMs} ms`);
  });

  test('what changes is there within 200 ms, pushed', async () => {
    const took: number[] = [];
    for (let nth = 0; nth < 5; nth++) {
      for (const deed of ['freeze', 'thaw'] as const) {
        await stage.lab.node('node3')[deed]('guardian');
        const saidMs = performance.now();
        await button(`${deed === 'freeze' ? 'thaw' : 'freeze'} guardian on node3`).waitFor();
        took.push(performance.now() - saidMs);
      }
    }
    took.sort((a, b) => a - b);
    // The machine may be busy with other things at any moment: the quicker half counts.
    assert.ok((took[4] ?? 999) < 200, `half of them within ${took[4]} ms; all: ${took.map(Math.round).join(', ')}`);
  });

  test('the lease of a leader that says nothing runs down, and never up; renewed, it is up at once', async () => {
    await green();
    const { leader } = await stage.lab.status();
    const node = stage.lab.node(leader ?? '');
    await node.freeze('agent');
    // What it said before may be on its way.
    await new Promise((resolve) => setTimeout(resolve, 250));
    const frozen = await shownLeases(1_250);
    const seen = shownLeases(2_500);
    await node.thaw('agent');
    const fell = frozen.slice(1).map((part, i) => (frozen[i] ?? 0) - part);
    assert.ok(frozen.length > 10 && fell.every((by) => by >= 0), `it grew: ${frozen.join(', ')}`);
    assert.ok((frozen[0] ?? 0) - (frozen.at(-1) ?? 0) > 0.1, `it stood still: ${frozen.join(', ')}`);
    const thawed = await seen;
    const rises = thawed.slice(1).filter((part, i) => part > (thawed[i] ?? 1));
    // Each is a renewal, told whole: what crept up would be one rise after the other.
    assert.ok(rises.length > 0 && rises.length <= 4, `${rises.length} rises: ${thawed.join(', ')}`);
    await green();
  });

  /** What part of the lease is drawn, picture by picture. */
  const shownLeases = (forMs: number): Promise<readonly number[]> =>
    stage.page.evaluate<readonly number[]>(`new Promise((resolve) => {
      const parts = [];
      const endMs = performance.now() + ${forMs};
      const look = () => {
        const bar = document.querySelector('.machine .lease .run > span');
        if (bar !== null) parts.push(Number(bar.getBoundingClientRect().width / bar.parentElement.offsetWidth));
        if (performance.now() < endMs) requestAnimationFrame(look);
        else resolve(parts.map((part) => Number(part.toFixed(4))));
      };
      look();
    })`);

  test('a foreign origin, a foreign host and a missing key are refused, and nothing happens', async () => {
    const { port, hash } = new URL(stage.served.url);
    const origin = `http://localhost:${port}`;
    const host = `localhost:${port}`;
    const key = hash.slice(1);
    const ask = (headers: Record<string, string>, method = 'POST', path = '/ui/do'): Promise<number> =>
      new Promise((settle, fail) => {
        const asked = request({ host: '127.0.0.1', port, path, method, headers }, (answer) => {
          answer.resume();
          settle(answer.statusCode ?? 0);
        });
        asked.on('error', fail).end(method === 'POST' ? JSON.stringify({ deed: 'powerOff', node: 'node3' }) : '');
      });
    assert.equal(await ask({ host }, 'GET', '//'), 404, 'what is no address of a page is answered, too');
    assert.equal(await ask({ host, origin: 'http://evil.example', 'x-lab-key': key }), 403);
    assert.equal(await ask({ host, 'x-lab-key': key }), 403);
    assert.equal(await ask({ host, origin }), 403);
    assert.equal(await ask({ host, origin, 'x-lab-key': 'x'.repeat(key.length) }), 403);
    assert.equal(
      await ask({ host: `evil.example:${port}`, origin: `http://evil.example:${port}`, 'x-lab-key': key }),
      403,
    );
    assert.equal(await ask({ host: `evil.example:${port}` }, 'GET', '/ui/stream'), 403);
    assert.ok(stage.lab.node('node3').machine.isOn());
    assert.deepEqual(
      album.all().filter(({ kind }) => kind === 'deed'),
      [],
    );
    const watcher = await open({}, stage.served.url.replace(/#.*/, ''));
    await green(watcher);
    assert.equal(await watcher.locator('.act').count(), 0, 'without the key there are no buttons');
    await watcher.close();
  });
}
