// The programs of the console's page “How to call it” do what the page says: they are taken from it, and run.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { behaviour, demo, eventually, freePort } from './gateway.js'
import { oneTimePassword } from './otp.js'
import { Person } from './person.js'

const here = dirname(fileURLToPath(import.meta.url))
const python = process.env.PYTHON ?? 'python3' // with authlib, flask and requests, or Python is left out

const unescape = (s) => s.replaceAll('&#43;', '+').replaceAll('&#34;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')

/** Somebody who took up an invitation to the console. */
async function administrator({ issuer, admin_url }) {
  const cookies = new Map()
  const send = async (path, form) => {
    const response = await fetch(new URL(path, issuer), { method: form ? 'POST' : 'GET', redirect: 'manual', body: form && new URLSearchParams(form),
      headers: { cookie: [...cookies].map((c) => c.join('=')).join('; '), origin: new URL(issuer).origin } })
    for (const line of response.headers.getSetCookie()) cookies.set(...line.match(/^([^=]+)=([^;]*)/).slice(1))
    const location = response.headers.get('location')
    return location ? send(location) : response.text()
  }
  await send(admin_url)
  const password = 'correct horse battery staple'
  const enrol = await send('/admin/welcome', { name: 'ada@example.com', password, again: password })
  await send('/admin/welcome/confirm', { code: oneTimePassword(enrol.match(/<code>([A-Z2-7]{32})<\/code>/)[1]) })
  return send
}

/** How each program is run, from a folder in which its libraries are found. */
const commands = {
  curl: (file) => ['bash', [file]],
  node: (file) => [process.execPath, [file]],
  go: (file) => ['go', ['run', file]],
  python: (file) => [python, [file]],
}
const endings = { curl: 'sh', node: 'mjs', go: 'go', python: 'py' }

behaviour('the programs that the console shows sign users in, and exchange', async (t) => {
  const gateway = await demo()
  const folder = mkdtempSync(join(here, '.cache', 'call-'))
  try {
    const send = await administrator(gateway)
    const port = await freePort()
    const callback = `http://localhost:${port}/callback`
    const added = await send('/admin/clients/new', { name: 'Called', app_type: 'regular_web', callbacks: callback, connections: 'salesforce' })
    const [, id] = added.match(/<dt>Client ID<\/dt><dd class="copy"><code>([^<]+)/)
    const env = { ...process.env, CLIENT_SECRET: added.match(/<dt>Client secret<\/dt><dd class="copy"><code>([^<]+)/)[1] }

    const start = async (sdk, name) => {
      const page = await send(`/admin/clients/${id}/call?sdk=${sdk}`)
      const code = unescape(page.match(new RegExp(`<code id="${name}">([^]*?)</code>`))[1])
      const file = join(folder, `${name}.${endings[sdk]}`)
      writeFileSync(file, code)
      const child = spawn(...commands[sdk](file), { env, cwd: here, detached: true })
      const program = { child, output: '', exited: new Promise((resolve) => child.once('exit', resolve)) }
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (s) => { program.output += s })
      return program
    }
    const ada = new Person(gateway.users[0])

    const curl = await start('curl', 'signin')
    const address = await eventually('address to sign in at', () => curl.output.match(/^http\S+/m)?.[0])
    curl.child.stdin.end(`${(await ada.visit(address, callback)).searchParams.get('code')}\n`)
    await curl.exited
    env.REFRESH_TOKEN = JSON.parse(curl.output.slice(curl.output.indexOf('{'))).refresh_token
    const exchanged = await start('curl', 'exchange')
    await exchanged.exited
    assert.equal(JSON.parse(exchanged.output.slice(exchanged.output.indexOf('{'))).instance_url, gateway.salesforce)

    const sdks = ['node', 'go']
    if (spawnSync(python, ['-c', 'import authlib, flask, requests']).status === 0) sdks.push('python')
    else t.diagnostic('Python is left out: it lacks authlib, flask or requests')
    for (const sdk of sdks) {
      const app = await start(sdk, 'signin')
      await eventually(`listener of ${sdk}`, () => {
        assert.equal(app.child.exitCode, null, app.output)
        return fetch(`http://localhost:${port}/`).then(() => true, () => false)
      })
      assert.match(await ada.visit(`http://localhost:${port}/login`, 'Signed in as'), /^Signed in as salesforce\|005/, app.output)
      process.kill(-app.child.pid) // go run has a child of its own
      await app.exited
      const exchange = await start(sdk, 'exchange')
      await exchange.exited
      assert.match(exchange.output, /^an access token, good for \d+ seconds\n[^]*Difference Loom Works/, sdk)
    }
  } finally {
    rmSync(folder, { recursive: true })
    await gateway.stop()
  }
})
