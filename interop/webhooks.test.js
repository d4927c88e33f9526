// standardwebhooks, the library of those who wrote the specification, verifies what the gateway sends.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, before } from 'node:test'
import { behaviour, eventually, serve } from './gateway.js'
import { Person } from './person.js'
import { discover, signIn } from './relying-party.js'
import { Webhook } from 'standardwebhooks'

const secret = 'whsec_' + Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64')
const received = []
let gateway, receiver
before(async () => {
  receiver = createServer(async (req, res) => {
    let body = ''
    for await (const chunk of req) body += chunk
    received.push({ body, headers: req.headers })
    res.writeHead(204).end()
  })
  receiver.listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  const url = `http://127.0.0.1:${receiver.address().port}/hook`
  gateway = await serve(undefined, { webhooks: [{ name: 'ops', url, secret, types: ['account.connected'] }] })
})
after(async () => {
  await gateway?.stop()
  receiver?.close()
})

behaviour('standardwebhooks verifies a message, and nothing that was changed', async () => {
  await signIn(await discover(gateway), gateway, new Person(gateway.users[0]))
  const [{ body, headers }] = await eventually('message', () => received.length > 0 && received)
  const message = new Webhook(secret).verify(body, headers)
  assert.equal(message.type, 'account.connected')
  assert.equal(message.data.connection, 'salesforce')
  assert.match(message.data.user_id, /^salesforce\|005/)
  assert.throws(() => new Webhook(secret).verify(body.replace('account.connected', 'account.disconnected'), headers), /signature/i)
  assert.throws(() => new Webhook(secret).verify(body, { ...headers, 'webhook-id': 'msg_another' }), /signature/i)
})
