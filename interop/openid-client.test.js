// npm's openid-client signs in, as its documentation says to.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { fileURLToPath } from 'node:url'
import { behaviour, demo, exchangeGrant, federatedGrant, serve } from './gateway.js'
import { Person } from './person.js'
import { discover, signIn } from './relying-party.js'
import * as client from 'openid-client'

const urn = (type) => `urn:ietf:params:oauth:token-type:${type}`
const federatedType = 'http://auth0.com/oauth/token-type/federated-connection-access-token'

let gateway, config
before(async () => {
  gateway = await serve()
  config = await discover(gateway)
})
after(() => gateway?.stop())

behaviour('openid-client signs in with code and PKCE', async () => {
  const tokens = await signIn(config, gateway, new Person(gateway.users[0]))
  const claims = tokens.claims()
  assert.equal(claims.iss, gateway.issuer)
  assert.match(claims.sub, /^salesforce\|005/)
  assert.equal(claims.email, 'ada@example.com')
  const info = await client.fetchUserInfo(config, tokens.access_token, claims.sub)
  assert.equal(info.name, 'Ada Lovelace')
})

behaviour('openid-client refreshes, and revokes', async () => {
  const tokens = await signIn(config, gateway, new Person(gateway.users[0]))
  const next = await client.refreshTokenGrant(config, tokens.refresh_token)
  assert.notEqual(next.refresh_token, tokens.refresh_token)
  assert.equal(next.claims().sub, tokens.claims().sub)
  await client.tokenRevocation(config, next.refresh_token)
  await assert.rejects(client.refreshTokenGrant(config, next.refresh_token), { error: 'invalid_grant' })
  await assert.rejects(client.fetchUserInfo(config, next.access_token, tokens.claims().sub), { status: 401 })
})

behaviour('openid-client exchanges its tokens for one of Salesforce’s', async () => {
  const tokens = await signIn(config, gateway, new Person(gateway.users[0]))
  const subject = { subject_token: tokens.refresh_token, subject_token_type: urn('refresh_token') }
  const answers = [
    await client.genericGrantRequest(config, federatedGrant, { ...subject, requested_token_type: federatedType, connection: 'salesforce' }),
    await client.genericGrantRequest(config, exchangeGrant, { ...subject, requested_token_type: urn('access_token'), audience: 'salesforce' }),
    await client.genericGrantRequest(config, exchangeGrant, { subject_token: tokens.access_token, subject_token_type: urn('access_token'), audience: 'salesforce' }),
  ]
  for (const answer of answers) {
    assert.equal(answer.refresh_token, undefined)
    const response = await fetch(`${answer.instance_url}/services/data/v62.0/limits`, { headers: { authorization: `Bearer ${answer.access_token}` } })
    assert.equal(response.status, 200)
  }
  await assert.rejects(
    client.genericGrantRequest(config, exchangeGrant, { ...subject, audience: 'nowhere' }),
    { error: 'invalid_target' },
  )
})

behaviour('openid-client signs out', async () => {
  const person = new Person(gateway.users[0])
  const tokens = await signIn(config, gateway, person)
  const url = client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token, post_logout_redirect_uri: gateway.client.logout_uri, state: 'bye' })
  const back = await person.visit(url, gateway.client.logout_uri)
  assert.equal(back.searchParams.get('state'), 'bye')
  await assert.rejects(signIn(config, gateway, person, { prompt: 'none' }), { error: 'login_required' })
})

behaviour('openid-client signs in over https', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-interop-'))
  const secured = await demo('--tls', folder)
  try {
    // Node.js reads the authorities it trusts when it starts.
    const child = spawn(process.execPath, [fileURLToPath(new URL('relying-party.js', import.meta.url)), JSON.stringify(secured)], {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let printed = ''
    child.stdout.on('data', (s) => { printed += s })
    assert.equal(await new Promise((resolve) => child.once('close', resolve)), 0)
    const claims = JSON.parse(printed)
    assert.equal(claims.iss, secured.issuer)
    assert.match(claims.iss, /^https:/)
    assert.equal(claims.email, 'ada@example.com')
  } finally {
    await secured.stop()
    rmSync(folder, { recursive: true })
  }
})
