// npm's oidc-provider, a certified OpenID Provider, is a connection of the gateway.

import assert from 'node:assert/strict'
import http from 'node:http'
import { after, before } from 'node:test'
import { behaviour, federatedGrant, serve } from './gateway.js'
import { Person } from './person.js'
import { discover, signIn } from './relying-party.js'
import * as client from 'openid-client'
import Provider from 'oidc-provider'

const ada = { sub: 'ada-at-acme', name: 'Ada Lovelace', email: 'ada@example.com', email_verified: true }

/** Runs a provider at which everybody is Ada, and allows what they are asked. Refresh tokens rotate. */
async function provide(gateway) {
  const server = http.createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://localhost:${server.address().port}`
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'gateway', client_secret: 'a-secret-of-acme', redirect_uris: [`${gateway}login/callback`],
      grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
    }],
    pkce: { required: () => true, methods: ['S256'] },
    rotateRefreshToken: true,
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
    features: { devInteractions: { enabled: false }, introspection: { enabled: true }, revocation: { enabled: true } },
    findAccount: (_, id) => ({ accountId: id, claims: () => ada }),
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    cookies: { keys: ['a-key-of-the-provider'] },
    ttl: { AccessToken: 600, Grant: 600, IdToken: 600, Interaction: 600, Session: 600, RefreshToken: 600 },
  })
  const interact = async (req, res) => {
    const { prompt, params, session } = await provider.interactionDetails(req, res)
    if (prompt.name === 'login') return provider.interactionFinished(req, res, { login: { accountId: ada.sub } })
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id })
    grant.addOIDCScope(params.scope)
    return provider.interactionFinished(req, res, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true })
  }
  const callback = provider.callback()
  server.on('request', (req, res) => req.url.startsWith('/interaction/') ? interact(req, res).catch((err) => res.destroy(err)) : callback(req, res))
  return { issuer, stop: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections() }) }
}

let gateway, config, acme
before(async () => {
  gateway = await serve(async (issuer) => {
    acme = await provide(issuer)
    return [{
      name: 'acme', strategy: 'oidc', display_name: 'Acme',
      options: {
        type: 'back_channel', issuer: acme.issuer, client_id: 'gateway', client_secret: 'a-secret-of-acme',
        scope: 'openid profile email offline_access',
        upstream_params: { prompt: { value: 'consent' } }, // without it, oidc-provider gives no refresh token
        trust_introspection: true,
      },
      connected_accounts: { active: true },
      enabled_clients: ['stranger'],
    }]
  })
  config = await discover(gateway)
})
after(() => Promise.all([gateway?.stop(), acme?.stop()]))

behaviour('oidc-provider signs a user in to the gateway', async () => {
  const tokens = await signIn(config, gateway, new Person(gateway.users[0]))
  const claims = tokens.claims()
  assert.equal(claims.sub, 'oidc|acme|ada-at-acme')
  assert.equal(claims.email, 'ada@example.com')
  assert.equal(claims.name, 'Ada Lovelace')
})

behaviour('the gateway keeps oidc-provider’s tokens, and refreshes them', async () => {
  const tokens = await signIn(config, gateway, new Person(gateway.users[0]))
  const exchange = (more = {}) => client.genericGrantRequest(config, federatedGrant, {
    subject_token: tokens.refresh_token, subject_token_type: 'urn:ietf:params:oauth:token-type:refresh_token',
    requested_token_type: 'http://auth0.com/oauth/token-type/federated-connection-access-token', connection: 'acme', ...more,
  })
  let { access_token: token } = await exchange()
  for (let i = 0; i < 3; i++) {
    const next = await exchange({ rejected_token: token })
    assert.notEqual(next.access_token, token)
    assert.equal(next.account, 'ada-at-acme')
    token = next.access_token
    const response = await fetch(`${acme.issuer}/me`, { headers: { authorization: `Bearer ${token}` } })
    assert.equal((await response.json()).sub, 'ada-at-acme')
  }
})
