// What the gateway asks its users, and the page that posts for them, in Chromium.

import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach } from 'node:test'
import { clientPages, launch, logIn, look, open, tabTo } from './chromium.js'
import { behaviour, deviceGrant, serve } from './gateway.js'
import { discover } from './relying-party.js'
import * as client from 'openid-client'

let browser, pages
before(async () => { [browser, pages] = [await launch(), await clientPages()] })
after(async () => {
  pages?.close()
  await browser?.close()
})

// One for each: Salesforce remembers what its users have allowed.
let gateway
beforeEach(async () => {
  const web = { client_secret: 'another-secret-between-the-two-of-us', callbacks: [`${pages.origin}/callback`] }
  const clients = [
    { ...web, client_id: 'others', name: 'Somebody else’s', is_first_party: false },
    { ...web, client_id: 'website', name: 'Website' },
    { client_id: 'television', name: 'Television', app_type: 'native', grant_types: [deviceGrant, 'refresh_token'] },
  ]
  gateway = await serve(undefined, { clients })
})
afterEach(() => gateway?.stop())

const press = async (page, name) => {
  await tabTo(page, name)
  await page.keyboard.press('Enter')
}

behaviour('a user is asked whether somebody else’s client gets what it wants, and allows or denies it', async () => {
  const { client: { client_id, redirect_uri } } = gateway.as('others')
  const { page, close } = await open(browser)
  const authorize = (more) => `${gateway.issuer}authorize?${new URLSearchParams({
    client_id, redirect_uri, response_type: 'code', scope: 'openid profile email offline_access', state: 'x', ...more,
  })}`
  const answer = async () => {
    await page.waitForURL(`${redirect_uri}?**`)
    return Object.fromEntries(new URL(page.url()).searchParams)
  }
  const question = page.getByRole('heading', { name: 'Somebody else’s asks for access' })

  await page.goto(authorize())
  await logIn(page, gateway)
  await question.waitFor()
  for (const said of ['signed in as ada@example.com', 'See your e-mail address', 'Go on while you are away', new URL(redirect_uri).host]) {
    assert.ok((await page.locator('main').innerText()).includes(said), `the page does not say ${said}`)
  }
  await look(page, 'consent')
  await press(page, 'Deny')
  const denied = await answer()
  assert.deepEqual([denied.error, denied.state, denied.iss], ['access_denied', 'x', gateway.issuer])

  await page.goto(authorize())
  await question.waitFor()
  await press(page, 'Allow')
  assert.ok((await answer()).code)
  await page.goto(authorize())
  assert.ok((await answer()).code, 'asked again')

  await page.goto(authorize({ prompt: 'consent' }))
  await question.waitFor()
  const old = page.url()
  await page.getByRole('button', { name: 'Deny' }).click()
  assert.equal((await answer()).error, 'access_denied')
  assert.equal((await page.goto(old)).status(), 400)
  await close()
})

behaviour('a user types a device’s code, and allows or denies it', async () => {
  const config = await discover(gateway.as('television'), client.None())
  const begin = () => client.initiateDeviceAuthorization(config, { scope: 'openid profile offline_access' })
  const poll = ({ device_code }) => client.genericGrantRequest(config, deviceGrant, { device_code })
  const { page, close } = await open(browser)
  const entry = async (code) => {
    await page.keyboard.press('Control+A') // what is in the field already
    await page.keyboard.type(code)
    await page.keyboard.press('Enter')
  }

  const device = await begin()
  await page.goto(device.verification_uri)
  await look(page, 'device')
  await entry('wrong')
  await page.getByText('is not known').waitFor()
  await look(page, 'device-wrong-code')
  await entry(device.user_code.toLowerCase().replace('-', ''))
  await page.getByRole('heading', { name: /Connect Television/ }).waitFor()
  assert.ok(await page.getByText(device.user_code).isVisible())
  await look(page, 'device-confirm')
  await assert.rejects(poll(device), { error: 'authorization_pending' })
  await press(page, 'Allow')
  await logIn(page, gateway)
  await page.getByRole('heading', { name: 'Your device is connected' }).waitFor()
  await look(page, 'device-connected')
  assert.ok((await poll(device)).refresh_token)

  const other = await begin()
  await page.goto(other.verification_uri_complete)
  await press(page, 'Deny')
  await page.getByRole('heading', { name: 'Access denied' }).waitFor()
  await look(page, 'device-denied')
  await assert.rejects(poll(other), { error: 'access_denied' })
  await close()
})

for (const [how, { lost, ...options }] of Object.entries({
  'by itself': {},
  'by its button, without JavaScript': { javaScriptEnabled: false },
  'by its button, if the script is lost': { lost: true },
})) {
  behaviour(`an answer by form_post is posted ${how}`, async () => {
    const { client: { redirect_uri } } = gateway.as('website')
    const config = await discover(gateway.as('website'))
    const { page, context, close } = await open(browser, options)
    if (lost) await context.route('**/formpost.*.js', (route) => route.abort())
    const verifier = client.randomPKCECodeVerifier()
    await page.goto(String(client.buildAuthorizationUrl(config, {
      redirect_uri, scope: 'openid email', response_mode: 'form_post', state: 'x',
      code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
    })))
    await logIn(page, gateway)
    if (how !== 'by itself') {
      await page.getByRole('heading', { name: 'On to Website' }).waitFor()
      if (lost) await look(page, 'form-post') // axe needs JavaScript
      await press(page, 'Continue to Website')
    }
    await page.waitForURL(redirect_uri)
    const { method, headers, body } = pages.received.findLast(({ url }) => url === '/callback')
    assert.deepEqual([method, headers.origin], ['POST', new URL(gateway.issuer).origin])
    const tokens = await client.authorizationCodeGrant(
      config, new Request(redirect_uri, { method, headers: { 'content-type': headers['content-type'] }, body }),
      { pkceCodeVerifier: verifier, expectedState: 'x', idTokenExpected: true })
    assert.equal(tokens.claims().email, 'ada@example.com')
    await close()
  })
}
