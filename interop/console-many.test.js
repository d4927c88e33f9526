// The console over many users, applications and connections, some of which have names that mean ill.

import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { becomeAdministrator, bothWays, consoleScripts, launch, look, open } from './chromium.js'
import { behaviour, serveMany } from './gateway.js'

let browser
before(async () => { browser = await launch() })
after(() => browser?.close())

const hostile = [
  '<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "'; DROP TABLE users; --", '{{.Secret}} $7*7 %00', '\u202Egnp.exe\u202C', 'שלום עולם',
  'Ｆｕｌｌｗｉｄｔｈ', '👩‍👩‍👧‍👦🏳️‍🌈', 'a'.repeat(120), 'javascript:alert(1)', 'Zalgo Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤a̗̪l̛͉g͓̗o', '   spaces   ',
]
const name = (i) => hostile[i] ?? `Application ${i}`

behaviour('ten thousand users, hundreds of applications, and names that mean ill', async () => {
  const gateway = await serveMany(10_000, {
    clients: Array.from({ length: 300 }, (_, i) => ({ client_id: `many-${i}`, name: name(i), client_secret: `a-secret-that-is-long-enough-${i}`, callbacks: [`https://app-${i}.example/callback`] })),
    connections: Array.from({ length: hostile.length }, (_, i) => ({
      name: `many-${i}`, strategy: 'salesforce', display_name: name(i), enabled_clients: [`many-${i}`],
      options: { client_id: `key-${i}`, client_secret: 'a-secret', login_url: 'https://login.salesforce.com', scope: ['openid', 'api', 'refresh_token'] },
    })),
  })
  const { page, close } = await open(browser, { scripts: consoleScripts })
  const dialogs = []
  page.on('dialog', (d) => { dialogs.push(d.message()); d.dismiss() })
  try {
    await becomeAdministrator(page, gateway.invitation)
    const at = (path) => page.goto(new URL(path, gateway.issuer).href)
    const rows = () => page.locator('main tbody tr').count()
    for (const path of ['/admin', '/admin/users', '/admin/accounts?state=healthy', '/admin/clients', '/admin/connections', '/admin/connections/many-8', '/admin/policy', '/admin/events']) {
      await at(path)
      await look(page, path.slice(1).replace(/\W+/g, '-'), consoleScripts, bothWays)
      assert.ok(await rows() <= 200, `${path} has ${await rows()} rows`)
    }

    // All of them can be reached, a page at a time, and each of them at once.
    await at('/admin/users')
    const first = await page.locator('main tbody tr').first().innerText()
    await page.getByRole('link', { name: /next/i }).click()
    assert.notEqual(await page.locator('main tbody tr').first().innerText(), first)
    await at('/admin/users?q=005000000009999AAA@example.com')
    assert.equal(await rows(), 1)
    for (let seen = 0, more = '/admin/clients'; more; seen += await rows()) {
      await at(more)
      more = await page.getByRole('link', { name: /next/i }).getAttribute('href', { timeout: 500 }).catch(() => null)
      if (!more) assert.ok(seen + await rows() >= 300, `${seen} applications`)
    }
    assert.deepEqual(dialogs, [])
    await close()
  } finally {
    await gateway.stop()
  }
}, 240_000)
