// Clients of each kind that libraries can be, for the tenant file of a gateway.

import { deviceGrant, newKey } from './gateway.js'

export const key = await newKey()
export const secret = 'another-secret-between-the-two-of-us'
export const api = 'https://api.example/'

const callbacks = ['http://stranger.localhost/callback']

export const kinds = {
  clients: [
    { client_id: 'single-page', name: 'Single page', app_type: 'spa', callbacks },
    { client_id: 'television', name: 'Television', app_type: 'native', grant_types: [deviceGrant, 'refresh_token'] },
    { client_id: 'machine', client_secret: secret, name: 'Machine', app_type: 'non_interactive' },
    { client_id: 'others', client_secret: secret, name: 'Somebody else’s', is_first_party: false, callbacks },
    { client_id: 'pusher', client_secret: secret, name: 'Pusher', callbacks, require_pushed_authorization_requests: true },
    {
      client_id: 'signer', client_secret: secret, name: 'Signer', callbacks,
      signed_request_object: { required: true, credentials: [key.credential] },
    },
    {
      client_id: 'asserter', name: 'Asserter', callbacks, require_proof_of_possession: true,
      client_authentication_methods: { private_key_jwt: { credentials: [key.credential] } },
    },
    {
      client_id: 'bank', name: 'Bank', callbacks: ['https://stranger.localhost/callback'],
      compliance_level: 'fapi2_sp_pkj_dpop', jwt_configuration: { alg: 'PS256' }, require_pushed_authorization_requests: true,
      client_authentication_methods: { private_key_jwt: { credentials: [key.credential] } },
    },
  ],
  resourceServers: [{ identifier: api, name: 'The API', scopes: [{ value: 'read:things', description: 'Read things' }] }],
  clientGrants: [{ client_id: 'machine', audience: api, scope: ['read:things'] }],
}
