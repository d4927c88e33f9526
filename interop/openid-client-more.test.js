// What else openid-client knows of OAuth, as its documentation has it.

import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { api, key, kinds, secret } from './clients.js'
import { behaviour, serve } from './gateway.js'
import { Person } from './person.js'
import { discover, signIn } from './relying-party.js'
import * as client from 'openid-client'

let gateway
before(async () => { gateway = await serve(undefined, kinds) })
after(() => gateway?.stop())

const person = () => new Person(gateway.users[0])
const asserting = client.PrivateKeyJwt(key)
const proving = async (config) => client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))

behaviour('openid-client pushes its request', async () => {
  const pusher = gateway.as('pusher')
  const config = await discover(pusher)
  const tokens = await signIn(config, pusher, person(), {}, { build: client.buildAuthorizationUrlWithPAR })
  assert.equal(tokens.claims().email, 'ada@example.com')
  await assert.rejects(signIn(config, pusher, person()), { error: 'invalid_request' })
})

behaviour('openid-client signs its request', async () => {
  const signer = gateway.as('signer')
  const config = await discover(signer)
  const build = (config, params) => client.buildAuthorizationUrlWithJAR(config, params, key)
  assert.equal((await signIn(config, signer, person(), {}, { build })).claims().email, 'ada@example.com')
  const pushed = async (config, params) => client.buildAuthorizationUrlWithPAR(config, (await build(config, params)).searchParams)
  assert.equal((await signIn(config, signer, person(), {}, { build: pushed })).claims().email, 'ada@example.com')
  await assert.rejects(signIn(config, signer, person()), { error: 'invalid_request' })
})

/** Uses tokens that are bound to a key, with it and without. */
async function useBound(config, tokens, DPoP) {
  assert.equal(tokens.token_type, 'dpop')
  const { sub } = tokens.claims()
  assert.equal((await client.fetchUserInfo(config, tokens.access_token, sub, { DPoP })).email, 'ada@example.com')
  await assert.rejects(client.fetchUserInfo(config, tokens.access_token, sub), { status: 401 })
  await assert.rejects(client.fetchUserInfo(config, tokens.access_token, sub, { DPoP: await proving(config) }), { status: 401 })
  const next = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
  assert.equal(next.token_type, 'dpop')
  assert.equal((await client.fetchUserInfo(config, next.access_token, sub, { DPoP })).email, 'ada@example.com')
  return next
}

behaviour('openid-client proves possession, with the nonces that a public client needs', async () => {
  const spa = gateway.as('single-page')
  const config = await discover(spa, client.None())
  const DPoP = await proving(config)
  const next = await useBound(config, await signIn(config, spa, person(), {}, { DPoP }), DPoP)
  await assert.rejects(client.refreshTokenGrant(config, next.refresh_token), { error: 'invalid_dpop_proof' })
})

behaviour('openid-client authenticates with a key, and proves possession', async () => {
  const asserter = gateway.as('asserter')
  const config = await discover(asserter, asserting)
  const DPoP = await proving(config)
  const next = await useBound(config, await signIn(config, asserter, person(), {}, { DPoP }), DPoP)
  const told = await client.tokenIntrospection(config, next.access_token)
  assert.equal(told.token_type, 'DPoP')
  assert.equal(told.cnf.jkt, await DPoP.calculateThumbprint())
  await assert.rejects(signIn(config, asserter, person()), { error: 'invalid_dpop_proof' })
  const impostor = await discover(asserter, client.PrivateKeyJwt((await client.randomDPoPKeyPair('ES256')).privateKey))
  await assert.rejects(client.refreshTokenGrant(impostor, next.refresh_token, undefined, { DPoP }), { error: 'invalid_client' })
})

behaviour('openid-client keeps to FAPI 2.0', async () => {
  const bank = gateway.as('bank')
  const config = await discover(bank, asserting)
  const DPoP = await proving(config)
  const tokens = await signIn(config, bank, person(), {}, { build: (config, params) => client.buildAuthorizationUrlWithPAR(config, params, { DPoP }), DPoP })
  await useBound(config, tokens, DPoP)
})

behaviour('openid-client signs a device in', async () => {
  const config = await discover(gateway.as('television'), client.None())
  const device = await client.initiateDeviceAuthorization(config, { scope: 'openid email offline_access' })
  const [page] = await Promise.all([
    person().visit(device.verification_uri, 'Your device is connected', { userCode: device.user_code.toLowerCase().replace('-', ' ') }),
    fetch(device.verification_uri_complete).then(async (r) => assert.ok((await r.text()).includes(device.user_code))),
  ])
  assert.match(page, /Go on with <bdi>Television<\/bdi>/)
  const tokens = await client.pollDeviceAuthorizationGrant(config, { ...device, interval: 0 }) // it is allowed already
  assert.equal(tokens.claims().email, 'ada@example.com')
  assert.equal((await client.refreshTokenGrant(config, tokens.refresh_token)).claims().sub, tokens.claims().sub)
  await assert.rejects(client.pollDeviceAuthorizationGrant(config, { ...device, interval: 0 }), { error: 'invalid_grant' })
})

behaviour('openid-client takes an answer by form_post', async () => {
  const config = await discover(gateway)
  const tokens = await signIn(config, gateway, person(), { response_mode: 'form_post' })
  assert.equal(tokens.claims().email, 'ada@example.com')
  await assert.rejects(signIn(config, gateway, person(), { response_mode: 'form_post', prompt: 'none' }), { error: 'login_required' })
})

behaviour('openid-client asks what tokens are good for, and revokes them', async () => {
  const config = await discover(gateway)
  const tokens = await signIn(config, gateway, person())
  for (const token of [tokens.access_token, tokens.refresh_token]) {
    const told = await client.tokenIntrospection(config, token)
    assert.deepEqual([told.active, told.client_id, told.sub, told.iss], [true, gateway.client.client_id, tokens.claims().sub, gateway.issuer])
    assert.deepEqual(await client.tokenIntrospection(await discover(gateway.as('pusher')), token), { active: false })
  }
  await client.tokenRevocation(config, tokens.refresh_token, { token_type_hint: 'refresh_token' })
  for (const token of [tokens.access_token, tokens.refresh_token]) {
    assert.deepEqual(await client.tokenIntrospection(config, token), { active: false })
  }
})

behaviour('openid-client gets a token for itself', async () => {
  const config = await discover(gateway.as('machine'), client.ClientSecretBasic(secret))
  const token = await client.clientCredentialsGrant(config, { audience: api, scope: 'read:things' })
  assert.equal(token.scope, 'read:things')
  const told = await client.tokenIntrospection(config, token.access_token)
  assert.ok(told.active && [told.aud].flat().includes(api))
  await assert.rejects(client.clientCredentialsGrant(config, { audience: 'https://elsewhere.example/' }), { error: 'access_denied' })
})

behaviour('openid-client’s user allows somebody else’s client once', async () => {
  const others = gateway.as('others')
  const config = await discover(others)
  const ada = person()
  await assert.rejects(signIn(config, gateway.as('others'), ada, { prompt: 'none' }), { error: 'login_required' })
  await signIn(config, others, ada)
  assert.equal((await signIn(config, others, ada, { prompt: 'none' })).claims().email, 'ada@example.com')
})
