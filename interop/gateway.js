// Runs the program for a test: `serve` with a simulated Salesforce upstream, or `demo`.

import { spawn, spawnSync } from 'node:child_process'
import { KeyObject, webcrypto } from 'node:crypto'
import dns from 'node:dns'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const program = join(here, '.cache', 'sallyport')
const patience = 20_000 // milliseconds that something may take that should be a moment away

// What Node.js 18 lacks: Web Cryptography as a global, and trying 127.0.0.1 when nobody listens on ::1.
globalThis.crypto ??= webcrypto
globalThis.CryptoKey ??= webcrypto.CryptoKey
dns.setDefaultResultOrder('ipv4first')

const running = new Set()
process.on('exit', () => running.forEach((p) => p.child.kill('SIGKILL')))
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

/** Functions that tell what a person would see, asked when a test fails. */
export const witnesses = new Set()

/** A test; if it fails, what the running programs wrote is shown, and what the witnesses saw. */
export function behaviour(name, fn, timeout = 120_000) {
  test(name, { timeout }, async (t) => {
    try {
      await fn(t)
    } catch (err) {
      for (const p of running) console.error(`--- ${p.name} wrote:\n${p.output}`)
      for (const w of witnesses) console.error(await w().catch(String))
      throw err
    }
  })
}

/** Waits until something is so, and returns what is. */
export async function eventually(what, so) {
  for (const deadline = Date.now() + patience; Date.now() < deadline; ) {
    const result = await so()
    if (result) return result
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error(`no ${what} after ${patience} ms`)
}

let built = false

function build() {
  if (built) return
  const { status, error } = spawnSync('go', ['build', '-o', program, './cmd/sallyport'], { cwd: join(here, '..'), stdio: 'inherit' })
  if (status !== 0) throw error ?? new Error('the program does not build')
  built = true
}

/** Starts the program. Its output is kept; stop() ends it. */
function start(...args) {
  build()
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const p = { name: `sallyport ${args.join(' ')}`, child, output: '', stdout: '' }
  child.stdout.setEncoding('utf8').on('data', (s) => { p.stdout += s; p.output += s })
  child.stderr.setEncoding('utf8').on('data', (s) => { p.output += s })
  running.add(p)
  p.exited = new Promise((resolve) => child.once('exit', resolve))
  p.stop = async () => {
    child.kill()
    await p.exited
    running.delete(p)
  }
  /** Waits for output on standard output, or for an answer of 200. */
  p.until = (what, so) => eventually(what, () => {
    if (child.exitCode !== null) throw new Error(`${p.name} ended with ${child.exitCode}:\n${p.output}`)
    return so()
  })
  return p
}

function run(...args) {
  build()
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`sallyport ${args.join(' ')}: ${stderr}`)
}

// Below the ports that the system gives to whoever asks for any, and to clients:
// none of them takes one before the program that it is meant for.
let nextPort = 10_000 + Math.floor(Math.random() * 20_000)

export async function freePort() {
  for (;;) {
    const port = ++nextPort
    const server = net.createServer()
    const free = await new Promise((resolve) => server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true)))
    if (!free) continue
    await new Promise((resolve) => server.close(resolve))
    return port
  }
}

const users = [{ username: 'ada@example.com', password: 'engine-of-1843' }, { username: 'grace@example.com', password: 'moth-in-relay-70' }]

const answers = (url) => fetch(url).then((r) => r.ok, () => false)

const toSalesforce = (salesforce, [name, title], clients) => ({
  name,
  strategy: 'salesforce',
  display_name: title,
  options: {
    client_id: 'simulated-consumer-key',
    client_secret: 'simulated-consumer-secret',
    login_url: salesforce,
    scope: ['openid', 'id', 'profile', 'email', 'api', 'refresh_token'],
  },
  connected_accounts: { active: true },
  enabled_clients: ['stranger', ...clients.map((c) => c.client_id)],
})

const tenant = (salesforce, connections, { clients = [], ...others }) => ({
  ...others,
  connections: connections.map((c) => Array.isArray(c) ? toSalesforce(salesforce, c, clients) : c),
  clients: [{
    client_id: 'stranger',
    client_secret: 'a-secret-between-the-two-of-us',
    name: 'Stranger',
    callbacks: ['http://stranger.localhost/callback'],
    allowed_logout_urls: ['http://stranger.localhost/'],
    grant_types: ['authorization_code', 'refresh_token', federatedGrant, exchangeGrant],
  }, ...clients],
})

export const federatedGrant = 'urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token'
export const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'

export const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

/** A key of a client's, and what the tenant file says of it. */
export async function newKey() {
  const { privateKey, publicKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])
  const pem = KeyObject.from(publicKey).export({ type: 'spki', format: 'pem' })
  return { key: privateKey, kid: 'the-key', credential: { pem, alg: 'ES256', kid: 'the-key' } }
}

/**
 * Runs a gateway with the connections given, and with more in its tenant file. A connection is the name and title of
 * one to Salesforce, or what the tenant file has of another; or a function tells them, given the gateway's issuer.
 */
export async function serve(connections = [['salesforce', 'Salesforce']], more = {}) {
  const [port, upstream] = [await freePort(), await freePort()]
  const [issuer, salesforce] = [`http://localhost:${port}/`, `http://localhost:${upstream}`]
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-interop-'))
  const file = (name) => join(folder, name)
  const described = tenant(salesforce, typeof connections === 'function' ? await connections(issuer) : connections, more)
  writeFileSync(file('tenant.yaml'), JSON.stringify(described)) // JSON is YAML
  run('vault', 'init', '--key-file', file('root.key'))
  const processes = [
    start('simulate', 'salesforce', '--listen', `127.0.0.1:${upstream}`, '--callback', `${issuer}login/callback`),
    start('serve', '--issuer', issuer, '--listen', `127.0.0.1:${port}`, '--store', file('sallyport.db'), '--key-file', file('root.key'),
      '--apply', file('tenant.yaml'), '--allow-private-upstreams', '127.0.0.0/8,::1'),
  ]
  await processes[0].until('simulator', () => answers(`${salesforce}/.well-known/openid-configuration`))
  await processes[1].until('gateway', () => answers(`${issuer}readyz`))
  const client = ({ client_id, client_secret, callbacks, allowed_logout_urls }) =>
    ({ client_id, client_secret, redirect_uri: callbacks?.[0], logout_uri: allowed_logout_urls?.[0] })
  return {
    issuer,
    salesforce,
    client: client(described.clients[0]),
    /** The same gateway as it is to another of its clients. */
    as(id) { return { ...this, client: client(described.clients.find((c) => c.client_id === id)) } },
    users,
    async stop() {
      await Promise.all(processes.map((p) => p.stop()))
      rmSync(folder, { recursive: true })
    },
  }
}

/** Runs a gateway that nobody has set up yet, and a simulated Salesforce with an app for it. invitation is the link that the gateway printed. */
export async function serveEmpty() {
  const [port, upstream] = [await freePort(), await freePort()]
  const [issuer, salesforce] = [`http://localhost:${port}/`, `http://localhost:${upstream}`]
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-interop-'))
  run('vault', 'init', '--key-file', join(folder, 'root.key'))
  const processes = [
    start('simulate', 'salesforce', '--listen', `127.0.0.1:${upstream}`, '--callback', `${issuer}login/callback`),
    start('serve', '--issuer', issuer, '--listen', `127.0.0.1:${port}`, '--store', join(folder, 'sallyport.db'), '--key-file', join(folder, 'root.key'),
      '--allow-private-upstreams', '127.0.0.0/8,::1'),
  ]
  await processes[0].until('simulator', () => answers(`${salesforce}/.well-known/openid-configuration`))
  const [invitation] = await processes[1].until('link for the first administrator', () => processes[1].stdout.match(/http\S+invite=\w+/))
  return {
    issuer, salesforce, invitation, users, consumerKey: 'simulated-consumer-key', consumerSecret: 'simulated-consumer-secret',
    async stop() {
      await Promise.all(processes.map((p) => p.stop()))
      rmSync(folder, { recursive: true })
    },
  }
}

/** Runs a gateway whose store was filled with so many users, and more by its tenant file. invitation is the link that the gateway printed. */
export async function serveMany(accounts, more) {
  const port = await freePort()
  const issuer = `http://localhost:${port}/`
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-interop-'))
  const { status, stderr } = spawnSync('go', ['run', './cmd/bench', '-fill', '-accounts', accounts, '-stores', 'bolt', '-dir', folder], { cwd: join(here, '..'), encoding: 'utf8' })
  if (status !== 0) throw new Error(`the store is not filled: ${stderr}`)
  writeFileSync(join(folder, 'tenant.yaml'), JSON.stringify(more))
  const p = start('serve', '--issuer', issuer, '--listen', `127.0.0.1:${port}`, '--store', join(folder, `${accounts}.db`), '--key-file', join(folder, `${accounts}.db.key`),
    '--apply', join(folder, 'tenant.yaml'))
  const [invitation] = await p.until('link for the first administrator', () => p.stdout.match(/http\S+invite=\w+/))
  return {
    issuer, invitation,
    async stop() {
      await p.stop()
      rmSync(folder, { recursive: true })
    },
  }
}

/** Runs a simulated Salesforce alone, with one app that sends users back to callback. */
export async function simulate(callback, ...args) {
  const port = await freePort()
  const p = start('simulate', 'salesforce', '--listen', `127.0.0.1:${port}`, '--callback', callback, ...args)
  const url = `http://localhost:${port}`
  await p.until('simulator', () => answers(`${url}/.well-known/openid-configuration`))
  return { url, key: 'simulated-consumer-key', secret: 'simulated-consumer-secret', users, stop: p.stop }
}

/** Runs the demo, which describes itself in a line of JSON, and tells in ready how many milliseconds it took to. */
export async function demo(...args) {
  build()
  const begun = performance.now()
  const p = start('demo', '--json', '--listen', '127.0.0.1:0', ...args)
  await p.until('line of JSON', () => p.stdout.includes('\n'))
  return { ...JSON.parse(p.stdout), ready: performance.now() - begun, stop: p.stop }
}

/** Runs the demo as a person would, and reads what it prints. */
export async function printedDemo() {
  const p = start('demo', '--listen', '127.0.0.1:0')
  await p.until('last line', () => p.stdout.includes('Ctrl-C'))
  const [, app] = p.stdout.match(/Sample application +(\S+)/)
  const [, username, password] = p.stdout.match(/(\S+@\S+) +password (\S+)/)
  const [curl] = p.stdout.match(/^ +curl (.*\\\n)*.*$/m)
  return { app, user: { username, password }, curl, stop: p.stop }
}
