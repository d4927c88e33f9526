// A client as openid-client's documentation has it. Run by itself, with the demo's JSON as its argument, it
// signs the first user in and prints the ID token's claims.

import { Person } from './person.js'
import './gateway.js'
import * as client from 'openid-client'

export function discover({ issuer, client: { client_id, client_secret } }, authentication = client.ClientSecretPost(client_secret)) {
  const execute = issuer.startsWith('http:') ? [client.allowInsecureRequests] : []
  return client.discovery(new URL(issuer), client_id, undefined, authentication, { execute })
}

/** Signs a person in with a request that build makes, and with DPoP if there is a handle of it. */
export async function signIn(config, { client: { redirect_uri } }, person, more = {}, { build = client.buildAuthorizationUrl, DPoP } = {}) {
  const [verifier, state, nonce] = [client.randomPKCECodeVerifier(), client.randomState(), client.randomNonce()]
  const url = await build(config, {
    redirect_uri,
    scope: 'openid profile email offline_access',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...more,
  })
  const back = await person.visit(url, redirect_uri)
  return client.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }, undefined, { DPoP })
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const gateway = JSON.parse(process.argv[2])
  const tokens = await signIn(await discover(gateway), gateway, new Person(gateway.users[0]))
  console.log(JSON.stringify(tokens.claims()))
}
