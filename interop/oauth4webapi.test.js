// oauth4webapi, which takes nothing on trust, as its examples have it.

import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { key, kinds } from './clients.js'
import { behaviour, serve } from './gateway.js'
import { Person } from './person.js'
import * as oauth from 'oauth4webapi'

const insecure = { [oauth.allowInsecureRequests]: true }

let gateway, as
before(async () => {
  gateway = await serve(undefined, kinds)
  const issuer = new URL(gateway.issuer)
  as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))
})
after(() => gateway?.stop())

const person = () => new Person(gateway.users[0])

/** A client: its ID, how it authenticates, and a handle if it has a key to prove. */
async function stranger(id, authentication, proves) {
  const { client: { client_id, redirect_uri } } = gateway.as(id)
  const client = { client_id }
  const DPoP = proves && oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
  return { client, redirect_uri, authentication, options: { ...insecure, DPoP } }
}

/** Makes a request, and once more if it is answered with a nonce to use. */
async function twice(request, process) {
  try {
    return await process(await request())
  } catch (err) {
    if (!oauth.isDPoPNonceError(err)) throw err
    return process(await request())
  }
}

/** Signs a person in, by a pushed request or by one in the URL. */
async function signIn({ client, redirect_uri, authentication, options }, push) {
  const [verifier, state, nonce] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState(), oauth.generateRandomNonce()]
  let params = new URLSearchParams({
    client_id: client.client_id, redirect_uri, response_type: 'code', scope: 'openid email offline_access', state, nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  })
  if (push) {
    const { request_uri } = await twice(
      () => oauth.pushedAuthorizationRequest(as, client, authentication, params, options),
      (response) => oauth.processPushedAuthorizationResponse(as, client, response))
    params = new URLSearchParams({ client_id: client.client_id, request_uri })
  }
  const answer = oauth.validateAuthResponse(as, client, await person().visit(`${as.authorization_endpoint}?${params}`, redirect_uri), state)
  const tokens = await twice(
    () => oauth.authorizationCodeGrantRequest(as, client, authentication, answer, redirect_uri, verifier, options),
    async (response) => {
      const read = await oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: nonce, requireIdToken: true })
      await oauth.validateApplicationLevelSignature(as, response, options)
      return read
    })
  return { ...tokens, sub: oauth.getValidatedIdTokenClaims(tokens).sub }
}

async function useAndRefresh({ client, authentication, options }, { access_token, refresh_token, sub }) {
  const info = (token) => twice(
    () => oauth.userInfoRequest(as, client, token, options),
    (response) => oauth.processUserInfoResponse(as, client, sub, response))
  assert.equal((await info(access_token)).email, 'ada@example.com')
  const next = await twice(
    () => oauth.refreshTokenGrantRequest(as, client, authentication, refresh_token, options),
    (response) => oauth.processRefreshTokenResponse(as, client, response))
  assert.equal((await info(next.access_token)).email, 'ada@example.com')
  return next
}

const introspect = async ({ client, authentication, options }, token) =>
  oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, authentication, token, options))

behaviour('oauth4webapi signs in with code and PKCE, refreshes, introspects and revokes', async () => {
  const s = await stranger('stranger', oauth.ClientSecretBasic(gateway.client.client_secret))
  const { access_token, refresh_token } = await useAndRefresh(s, await signIn(s))
  const told = await introspect(s, access_token)
  assert.ok(told.active && told.client_id === 'stranger' && told.exp > Date.now() / 1000)
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, s.client, s.authentication, refresh_token, s.options))
  assert.equal((await introspect(s, access_token)).active, false)
})

behaviour('oauth4webapi proves possession for a public client, with a pushed request', async () => {
  const s = await stranger('single-page', oauth.None(), true)
  for (const push of [false, true]) {
    const tokens = await signIn(s, push)
    assert.equal(tokens.token_type, 'dpop')
    await useAndRefresh(s, tokens)
  }
})

behaviour('oauth4webapi authenticates with a key, pushes and proves possession', async () => {
  for (const id of ['asserter', 'bank']) {
    const s = await stranger(id, oauth.PrivateKeyJwt(key), true)
    const next = await useAndRefresh(s, await signIn(s, true))
    const told = await introspect(s, next.access_token)
    assert.equal(told.cnf.jkt, await s.options.DPoP.calculateThumbprint())
  }
})

behaviour('oauth4webapi signs a device in', async () => {
  const { client, authentication, options } = await stranger('television', oauth.None())
  const params = { scope: 'openid email offline_access' }
  const device = await oauth.processDeviceAuthorizationResponse(
    as, client, await oauth.deviceAuthorizationRequest(as, client, authentication, params, options))
  const poll = async () => oauth.processDeviceCodeResponse(
    as, client, await oauth.deviceCodeGrantRequest(as, client, authentication, device.device_code, options))
  await assert.rejects(poll(), { error: 'authorization_pending' })
  await assert.rejects(poll(), { error: 'slow_down' })
  await person().visit(device.verification_uri_complete, 'Your device is connected')
  assert.match(oauth.getValidatedIdTokenClaims(await poll()).sub, /^salesforce\|005/)
})
