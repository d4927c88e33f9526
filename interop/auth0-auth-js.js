// What @auth0/auth0-auth-js does on a server: a program of its own, since Node.js reads the certificates that it is to
// trust as it starts, and the SDK speaks https only. It prints what it learnt, as JSON.

import { AuthClient } from '@auth0/auth0-auth-js'
import { Person } from './person.js'

const { issuer, client, user } = JSON.parse(process.argv[2])

const auth0 = new AuthClient({ domain: new URL(issuer).host, clientId: client.client_id, clientSecret: client.client_secret,
  authorizationParams: { redirect_uri: client.redirect_uri, scope: 'openid profile email offline_access' } })

const { authorizationUrl, codeVerifier } = await auth0.buildAuthorizationUrl()
const back = await new Person(user).visit(authorizationUrl, client.redirect_uri)
const tokens = await auth0.getTokenByCode(back, { codeVerifier })
const refreshed = await auth0.getTokenByRefreshToken({ refreshToken: tokens.refreshToken })
const refreshToken = refreshed.refreshToken ?? tokens.refreshToken

const lent = await auth0.getTokenForConnection({ connection: 'salesforce', refreshToken })
const exchanged = await auth0.exchangeToken({ connection: 'salesforce', subjectToken: refreshToken, subjectTokenType: 'urn:ietf:params:oauth:token-type:refresh_token' })
const refused = await auth0.getTokenForConnection({ connection: 'salesforce', refreshToken: 'not-a-refresh-token' }).then(() => 'it is not', (err) => `${err.name}: ${err.cause?.error ?? err.code}`)
const logout = await auth0.buildLogoutUrl({ returnTo: new URL(client.redirect_uri).origin + '/' })

console.log(JSON.stringify({
  email: tokens.claims?.email, refreshed: refreshed.accessToken !== tokens.accessToken, lent: lent.accessToken, same: lent.accessToken === exchanged.accessToken,
  expires: lent.expiresAt, refused, logout: String(logout),
}))
