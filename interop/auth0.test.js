// Auth0's own SDKs, unmodified: an application moves by changing its domain.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { clientPages, launch, logIn, open } from './chromium.js'
import { behaviour, demo, serve } from './gateway.js'

/** Runs a program that trusts a certificate authority. */
async function trusting(authority, script, input) {
  const child = spawn(process.execPath, [fileURLToPath(new URL(script, import.meta.url)), JSON.stringify(input)], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: authority },
  })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (s) => { out += s })
  child.stderr.setEncoding('utf8').on('data', (s) => { err += s })
  const code = await new Promise((resolve) => child.once('close', resolve))
  assert.equal(code, 0, err)
  return JSON.parse(out)
}

behaviour('@auth0/auth0-auth-js signs in, refreshes, and gets a Salesforce token in both its ways', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-interop-'))
  const running = await demo('--tls', folder)
  try {
    const learnt = await trusting(join(folder, 'ca.pem'), 'auth0-auth-js.js', { issuer: running.issuer, client: running.client, user: running.users[0] })
    assert.equal(learnt.email, 'ada@example.com')
    assert.ok(learnt.refreshed)
    assert.match(learnt.lent, /^00D.{12}!/)
    assert.ok(learnt.same, 'both ways get the same token')
    assert.ok(learnt.expires > Date.now() / 1000)
    assert.match(learnt.refused, /federated_connection_refresh_token_not_found|invalid_grant/)
    assert.ok(learnt.logout.startsWith(running.issuer), learnt.logout)
  } finally {
    await running.stop()
    rmSync(folder, { recursive: true })
  }
})

const library = readFileSync(new URL('node_modules/@auth0/auth0-spa-js/dist/auth0-spa-js.production.js', import.meta.url))

behaviour('@auth0/auth0-spa-js signs in, asks silently in an iframe, by refresh token, and signs out', async () => {
  let gateway
  const pages = await clientPages({
    '/auth0-spa-js.js': () => library,
    '/app.js': () => `
      const make = (more) => auth0.createAuth0Client({
        domain: '${gateway.issuer.slice(0, -1)}', clientId: 'page', ...more,
        authorizationParams: { redirect_uri: origin + '/callback', scope: 'openid profile email' },
      })`,
  })
  const browser = await launch()
  const { origin } = pages
  gateway = await serve(undefined, { clients: [{
    client_id: 'page', name: 'Single page', app_type: 'spa', callbacks: [`${origin}/callback`], web_origins: [origin], allowed_logout_urls: [`${origin}/`],
  }] })
  try {
    const { page, close } = await open(browser, { client: origin })
    await page.goto(`${origin}/`)
    await page.evaluate(() => { make().then((client) => client.loginWithRedirect()) })
    await logIn(page, gateway)
    await page.waitForURL(`${origin}/callback?**`)
    const first = await page.evaluate(async () => {
      const client = await make()
      await client.handleRedirectCallback()
      const before = await client.getTokenSilently()
      const after = await client.getTokenSilently({ cacheMode: 'off' }) // in an iframe
      return { user: await client.getUser(), renewed: before !== after }
    })
    assert.equal(first.user.email, 'ada@example.com')
    assert.match(first.user.sub, /^salesforce\|005/)
    assert.ok(first.renewed)

    await page.goto(`${origin}/account`)
    const lasting = await page.evaluate(async () => {
      const client = await make({ useRefreshTokens: true, useRefreshTokensFallback: true })
      const one = await client.getTokenSilently({ cacheMode: 'off' }) // in an iframe: it has no refresh token yet
      const two = await client.getTokenSilently({ cacheMode: 'off' }) // by refresh token
      return { renewed: one !== two, authenticated: await client.isAuthenticated() }
    })
    assert.deepEqual(lasting, { renewed: true, authenticated: true })

    await page.evaluate(async () => { (await make()).logout({ logoutParams: { returnTo: origin + '/' } }) })
    await page.waitForURL(`${origin}/`)
    const after = await page.evaluate(async () => (await make()).getTokenSilently({ cacheMode: 'off' }).then(() => 'signed in', (err) => err.error))
    assert.equal(after, 'login_required')
    await close()
  } finally {
    await browser.close()
    await gateway.stop()
    pages.close()
  }
})
