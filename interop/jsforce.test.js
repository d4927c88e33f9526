// jsforce calls Salesforce with what the gateway lends.

import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { behaviour, federatedGrant, serve } from './gateway.js'
import { Person } from './person.js'
import { discover, signIn } from './relying-party.js'
import { genericGrantRequest } from 'openid-client'
import jsforce from 'jsforce'

let gateway, config
before(async () => {
  gateway = await serve()
  config = await discover(gateway)
})
after(() => gateway?.stop())

const exchange = (tokens, more = {}) => genericGrantRequest(config, federatedGrant, {
  subject_token: tokens.refresh_token,
  subject_token_type: 'urn:ietf:params:oauth:token-type:refresh_token',
  requested_token_type: 'http://auth0.com/oauth/token-type/federated-connection-access-token',
  connection: 'salesforce',
  ...more,
})

const revoke = async (token) => {
  const { status } = await fetch(`${gateway.salesforce}/services/oauth2/revoke`, { method: 'POST', body: new URLSearchParams({ token }) })
  assert.equal(status, 200)
}

const query = 'SELECT Id, Name FROM Account ORDER BY Name'

behaviour('jsforce queries with the token and instance_url of an exchange', async () => {
  const lent = await exchange(await signIn(config, gateway, new Person(gateway.users[0])))
  const conn = new jsforce.Connection({ instanceUrl: lent.instance_url, accessToken: lent.access_token })
  const { totalSize, records } = await conn.query(query)
  assert.equal(totalSize, records.length)
  assert.ok(records.some((r) => r.Name === 'Difference Loom Works'))
  const identity = await conn.identity()
  assert.equal(identity.username, 'ada@example.com')
  assert.equal(identity.id, lent.id)
  assert.equal(identity.user_id, lent.account)
})

behaviour('jsforce works again after a revocation, with a token exchanged for the rejected one', async () => {
  const tokens = await signIn(config, gateway, new Person(gateway.users[0]))
  const lent = await exchange(tokens)
  await revoke(lent.access_token)
  const conn = new jsforce.Connection({ instanceUrl: lent.instance_url, accessToken: lent.access_token })
  await assert.rejects(conn.query(query), { errorCode: 'INVALID_SESSION_ID' })
  const other = await exchange(tokens, { rejected_token: lent.access_token })
  assert.notEqual(other.access_token, lent.access_token)
  const again = new jsforce.Connection({ instanceUrl: other.instance_url, accessToken: other.access_token })
  assert.ok((await again.query(query)).totalSize > 0)
})

behaviour('jsforce’s own refresh function can be the exchange', async () => {
  const tokens = await signIn(config, gateway, new Person(gateway.users[0]))
  const lent = await exchange(tokens)
  await revoke(lent.access_token)
  const conn = new jsforce.Connection({
    instanceUrl: lent.instance_url,
    accessToken: lent.access_token,
    refreshFn: (conn, done) => exchange(tokens, { rejected_token: conn.accessToken }).then((t) => done(null, t.access_token), done),
  })
  const answers = await Promise.all([conn.query(query), conn.query(query), conn.identity()]) // one refresh for all
  assert.ok(answers[0].totalSize > 0)
  assert.notEqual(conn.accessToken, lent.access_token)
})
