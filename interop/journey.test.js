// The newcomer's journeys, in Chromium.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, afterEach, before, beforeEach } from 'node:test'
import { promisify } from 'node:util'
import { launch, look, open, tabTo } from './chromium.js'
import { behaviour, demo, federatedGrant, printedDemo, serve } from './gateway.js'

// A browser for all, and a demo for each: Salesforce remembers what its users have allowed.
let browser
before(async () => { browser = await launch() })
after(() => browser?.close())

let running
beforeEach(async () => { running = await demo() })
afterEach(() => running?.stop())

/** Goes from the sample application to the consent page. */
async function logIn(page, app, { username, password }) {
  await page.goto(app)
  await page.getByRole('link', { name: 'Sign in with Salesforce' }).click()
  await page.getByLabel('Username').fill(username)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in' }).click()
}

const allow = (page) => page.getByRole('button', { name: 'Allow' }).click()

/** What the gateway answers a client that asks whether the browser is signed in. */
async function silently(context, { issuer, client }) {
  const query = new URLSearchParams({
    client_id: client.client_id, redirect_uri: client.redirect_uri, response_type: 'code', scope: 'openid', prompt: 'none', state: 'x',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256',
  })
  const response = await context.request.get(`${issuer}authorize?${query}`, { maxRedirects: 0 })
  return new URL(response.headers().location).searchParams
}

behaviour('a newcomer signs in, sees Salesforce accounts, and signs out', async (t) => {
  t.diagnostic(`the demo was ready after ${Math.round(running.ready)} ms`)
  const { page, context, close } = await open(browser)
  const user = running.users[0]
  await page.goto(running.app)
  await look(page, 'app-signed-out')

  await page.getByRole('link', { name: 'Sign in with Salesforce' }).click()
  await look(page, 'salesforce-login')
  await page.getByLabel('Username').fill(user.username)
  await page.getByLabel('Password').fill('not it')
  await page.getByRole('button', { name: 'Log in' }).click()
  assert.match(await page.getByRole('alert').innerText(), /Check your username and password/)
  await look(page, 'salesforce-wrong-password')
  await page.getByLabel('Password').fill(user.password)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('button', { name: 'Allow' }).waitFor()
  await look(page, 'salesforce-consent')
  await allow(page)

  await page.getByRole('heading', { name: 'What the ID token says' }).waitFor()
  assert.equal(page.url(), running.app)
  const claims = await page.locator('dl.facts').innerText()
  for (const expected of [running.issuer, 'salesforce|005', user.username]) assert.ok(claims.includes(expected), `${expected} is not among the claims:\n${claims}`)
  await page.getByText('The same with curl').click()
  await look(page, 'app-signed-in')

  await page.getByRole('link', { name: 'Show my Salesforce accounts' }).click()
  await page.getByRole('heading', { name: 'Your Salesforce accounts' }).waitFor()
  assert.ok(await page.getByRole('row').count() > 1)
  assert.ok(await page.getByRole('rowheader', { name: 'Difference Loom Works' }).isVisible())
  await look(page, 'app-accounts')
  assert.ok((await silently(context, running)).has('code'))

  await page.getByRole('link', { name: 'Back' }).click()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('link', { name: 'Sign in with Salesforce' }).waitFor()
  assert.equal(page.url(), running.app)
  assert.equal((await silently(context, running)).get('error'), 'login_required')
  await close()
})

behaviour('a newcomer with a keyboard alone gets as far', async () => {
  const { page, close } = await open(browser)
  const { username, password } = running.users[1]
  const press = async (name) => {
    await tabTo(page, name)
    await page.keyboard.press('Enter')
  }
  await page.goto(running.app)
  await press('Sign in with Salesforce')
  await page.getByLabel('Username').waitFor()
  await tabTo(page, 'Username')
  await page.keyboard.type(username)
  await tabTo(page, 'Password')
  await page.keyboard.type(password)
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Allow' }).waitFor()
  await press('Allow')
  await page.getByRole('heading', { name: 'What the ID token says' }).waitFor()
  await press('Show my Salesforce accounts')
  await page.getByRole('heading', { name: 'Your Salesforce accounts' }).waitFor()
  await press('Back')
  await page.getByRole('heading', { name: 'What the ID token says' }).waitFor()
  await press('Sign out')
  await page.getByRole('link', { name: 'Sign in with Salesforce' }).waitFor()
  await close()
})

behaviour('a newcomer who denies is told what happened, and can try again', async () => {
  const { page, close } = await open(browser)
  await logIn(page, running.app, running.users[0])
  await page.getByRole('button', { name: 'Deny' }).click()
  await page.getByText('access_denied').waitFor()
  assert.ok(page.url().startsWith(running.client.redirect_uri))
  await look(page, 'app-denied')
  await page.getByRole('link', { name: 'Back to the start' }).click()
  await page.getByRole('link', { name: 'Sign in with Salesforce' }).click()
  await allow(page)
  await page.getByRole('heading', { name: 'What the ID token says' }).waitFor()
  await close()
})

behaviour('the sign-in of an old tab is refused, and another signs in', async () => {
  const { page, close } = await open(browser)
  await page.goto(`${running.app}callback?state=of-another-browser&code=x`)
  await page.getByRole('heading', { name: 'That did not work' }).waitFor()
  await look(page, 'app-old-tab')
  await close()
})

behaviour('the exchange works with the token that the demo lends to curl', async () => {
  const { page, close } = await open(browser)
  await logIn(page, running.app, running.users[0])
  await allow(page)
  await page.getByRole('heading', { name: 'What the ID token says' }).waitFor()
  // A browser is refused it.
  assert.equal((await page.goto(`${running.app}curl-token`)).status(), 404)
  const fetched = await promisify(execFile)('curl', ['-s', `${running.app}curl-token`])
  const response = await fetch(`${running.issuer}oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: federatedGrant,
      client_id: running.client.client_id,
      client_secret: running.client.client_secret,
      subject_token: fetched.stdout,
      subject_token_type: 'urn:ietf:params:oauth:token-type:refresh_token',
      requested_token_type: 'http://auth0.com/oauth/token-type/federated-connection-access-token',
      connection: 'salesforce',
    }),
  })
  const answer = await response.json()
  assert.equal(answer.instance_url, running.salesforce)
  await close()
})

behaviour('the curl that the demo prints works as pasted', async () => {
  const printed = await printedDemo()
  const { page, close } = await open(browser)
  await logIn(page, printed.app, printed.user)
  await allow(page)
  await page.getByRole('heading', { name: 'What the ID token says' }).waitFor()
  const { stdout } = await promisify(execFile)('bash', ['-c', printed.curl])
  const answer = JSON.parse(stdout)
  assert.ok(answer.access_token && answer.instance_url, stdout)
  await close()
  await printed.stop()
})

behaviour('the gateway’s own pages are fit to be seen', async () => {
  const gateway = await serve([['production', 'Salesforce'], ['sandbox', 'Salesforce sandbox of the people who write “long” names']])
  const { issuer, client, users } = gateway
  const { page, context, close } = await open(browser)
  // The client's own pages, which nobody serves.
  await context.route('http://stranger.localhost/**', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>The client</title>' }))
  const authorize = `${issuer}authorize?${new URLSearchParams({
    client_id: client.client_id, redirect_uri: client.redirect_uri, response_type: 'code', scope: 'openid', state: 'x',
  })}`

  await page.goto(`${issuer}authorize?client_id=nobody`)
  assert.match(await page.locator('main').innerText(), /No application with this client_id/)
  await look(page, 'unknown-client')
  assert.equal((await page.goto(`${issuer}nothing-here`)).status(), 404)
  await look(page, 'not-found')
  assert.equal((await page.goto(`${issuer}login/callback?state=old&code=x`)).status(), 400)
  assert.match(await page.locator('main').innerText(), /This sign-in has expired/)
  await look(page, 'expired-login')
  await page.goto(`${issuer}login/reconnect?ticket=old`)
  assert.match(await page.locator('main').innerText(), /This link has expired/)
  await look(page, 'expired-link')

  await page.goto(authorize)
  await page.getByRole('heading', { name: 'Sign in to Stranger' }).waitFor()
  await look(page, 'chooser')
  await tabTo(page, 'Salesforce')
  await page.keyboard.press('Enter')
  await page.getByLabel('Username').fill(users[0].username)
  await page.getByLabel('Password').fill(users[0].password)
  await page.keyboard.press('Enter')
  await allow(page)
  await page.waitForURL(`${client.redirect_uri}?**`)
  assert.ok(new URL(page.url()).searchParams.has('code'))

  await page.goto(`${issuer}oidc/logout?${new URLSearchParams({ client_id: client.client_id, post_logout_redirect_uri: client.logout_uri })}`)
  await page.getByRole('heading', { name: 'Sign out?' }).waitFor()
  await look(page, 'sign-out')
  await page.getByRole('link', { name: 'Stay signed in' }).click()
  await page.waitForURL(client.logout_uri)
  assert.ok((await silently(context, gateway)).has('code'))
  await page.goBack()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.waitForURL(client.logout_uri)
  assert.equal((await silently(context, gateway)).get('error'), 'login_required')
  await page.goto(`${issuer}oidc/logout`)
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
  await look(page, 'signed-out')
  await close()
  await gateway.stop()
})
