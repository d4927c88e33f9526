// What @salesforce/core does for somebody who signs in, by the web or by a JWT, and stays signed in: a program of its
// own, since it wants a newer Node.js than the tests. It prints what it learnt, as JSON.

import salesforce from '@salesforce/core'
import jsforce from '@jsforce/jsforce-node'
import { Person } from './person.js'

const { AuthInfo, Connection } = salesforce
const { loginUrl, clientId, clientSecret, redirectUri, privateKey, user, refreshes } = JSON.parse(process.argv[2])

async function byWeb() {
  const options = { loginUrl, clientId, clientSecret, redirectUri, useVerifier: true }
  const oauth2 = new jsforce.OAuth2(options)
  const url = AuthInfo.getAuthorizationUrl({ ...options, scope: 'api id openid refresh_token' }, oauth2)
  const back = await new Person(user).visit(url, redirectUri)
  return AuthInfo.create({ oauth2Options: { ...options, authCode: back.searchParams.get('code') }, oauth2 })
}

const byJWT = () => AuthInfo.create({ username: user.username, oauth2Options: { loginUrl, clientId, privateKeyFile: privateKey } })

const authInfo = await (privateKey ? byJWT() : byWeb())
await authInfo.save()

const connection = await Connection.create({ authInfo })
const tokens = [connection.accessToken]
let accounts = 0
for (let i = 0; i < refreshes; i++) {
  await fetch(`${loginUrl}/services/oauth2/revoke`, { method: 'POST', body: new URLSearchParams({ token: connection.accessToken }) })
  accounts = (await connection.query('SELECT Id, Name FROM Account')).totalSize
  tokens.push(connection.accessToken)
}
const { username, instanceUrl, orgId } = authInfo.getFields()
console.log(JSON.stringify({ username, instanceUrl, orgId, accounts, tokens: new Set(tokens).size }))
