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
