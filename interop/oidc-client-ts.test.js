// An application of a single page, in Chromium: with oidc-client-ts, and with what Auth0's SPA SDK does in an iframe or a popup.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, afterEach, before, beforeEach } from 'node:test'
import { clientPages, launch, logIn, open } from './chromium.js'
import { behaviour, serve } from './gateway.js'

const library = readFileSync(new URL('node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js', import.meta.url))

// What the application's pages do. The page /silent is in an iframe of another.
const script = (authority) => `
  const settings = (more) => ({
    authority: '${authority}', client_id: 'page', redirect_uri: origin + '/callback', silent_redirect_uri: origin + '/silent',
    post_logout_redirect_uri: origin + '/', scope: 'openid profile email', automaticSilentRenew: false, ...more,
    loadUserInfo: !more?.dpop, dpop: more?.dpop && { store: new oidc.IndexedDbDPoPStore() },
  })
  const manager = (more) => new oidc.UserManager(settings(more))
  if (location.pathname === '/silent') manager().signinSilentCallback()

  // As Auth0's SPA SDK does: prompt=none in an iframe, and a sign-in in a popup.
  const ask = (query, answerer) => new Promise((resolve) => {
    const url = '${authority}authorize?' + new URLSearchParams({
      client_id: 'page', redirect_uri: origin + '/callback', response_type: 'code', scope: 'openid', response_mode: 'web_message',
      state: 's', code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256', ...query,
    })
    const frame = query.prompt === 'none' && document.body.appendChild(document.createElement('iframe'))
    const asked = frame ? frame.contentWindow : open('about:blank')
    addEventListener('message', function listen({ data, origin, source }) {
      if (origin !== answerer || data?.type !== 'authorization_response') return
      removeEventListener('message', listen)
      resolve({ ...data.response, fromThere: source === asked })
      frame ? frame.remove() : asked.close()
    })
    asked.location = url
  })
  const redeem = async (code) => {
    const body = new URLSearchParams({
      grant_type: 'authorization_code', client_id: 'page', redirect_uri: origin + '/callback', code,
      code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
    })
    return (await fetch('${authority}oauth/token', { method: 'POST', body })).json()
  }
`

let browser, pages, origin, gateway
before(async () => {
  pages = await clientPages({ '/oidc-client-ts.js': () => library, '/app.js': () => script(gateway.issuer) })
  origin = pages.origin
  browser = await launch()
})
after(async () => {
  pages?.close()
  await browser?.close()
})

// One for each: Salesforce remembers what its users have allowed.
beforeEach(async () => {
  const clients = [{
    client_id: 'page', name: 'Single page', app_type: 'spa', callbacks: [`${origin}/callback`, `${origin}/silent`],
    web_origins: [origin], allowed_logout_urls: [`${origin}/`],
  }]
  gateway = await serve(undefined, { clients })
})
afterEach(() => gateway?.stop())

/** Signs the first user in by redirect, and returns the user that oidc-client-ts has then. */
async function signIn(page, more = {}) {
  await page.goto(`${origin}/`)
  await page.evaluate((more) => { manager(more).signinRedirect() }, more)
  await logIn(page, gateway)
  await page.waitForURL(`${origin}/callback?**`)
  return page.evaluate((more) => manager(more).signinCallback(), more)
}

behaviour('oidc-client-ts signs in by redirect, renews in an iframe and by refresh token, and signs out', async () => {
  const { page, close } = await open(browser, { client: origin })
  const first = await signIn(page)
  assert.equal(first.profile.email, 'ada@example.com')
  assert.equal(first.refresh_token, undefined)

  const framed = await page.evaluate(() => manager().signinSilent())
  assert.equal(framed.profile.sub, first.profile.sub)
  assert.notEqual(framed.access_token, first.access_token)

  const lasting = { scope: 'openid profile email offline_access' }
  const granted = await page.evaluate(async (more) => {
    await manager(more).removeUser()
    return manager(more).signinSilent() // in an iframe, since it has no refresh token
  }, lasting)
  assert.ok(granted.refresh_token)
  const refreshed = await page.evaluate((more) => manager(more).signinSilent(), lasting)
  assert.notEqual(refreshed.refresh_token, granted.refresh_token)
  assert.equal(refreshed.profile.name, 'Ada Lovelace')
  await page.evaluate((more) => manager(more).revokeTokens(['refresh_token']), lasting)

  await page.evaluate((more) => { manager(more).signoutRedirect() }, lasting)
  await page.waitForURL(`${origin}/`)
  await page.waitForFunction(() => window.oidc)
  const refusal = await page.evaluate(() => manager().signinSilent().catch((err) => err.error))
  assert.equal(refusal, 'login_required')
  await close()
})

behaviour('oidc-client-ts proves possession', async () => {
  const { page, close } = await open(browser, { client: origin })
  const bound = { scope: 'openid profile email offline_access', dpop: true }
  const user = await signIn(page, bound)
  assert.equal(user.token_type, 'DPoP')
  // It asks for no user info with such tokens, but makes the proof.
  const info = await page.evaluate(async ([more, url]) => {
    const user = await manager(more).signinSilent()
    const headers = { authorization: `DPoP ${user.access_token}`, dpop: await manager(more).dpopProof(url, user) }
    return (await fetch(url, { headers })).json()
  }, [bound, `${gateway.issuer}userinfo`])
  assert.equal(info.name, 'Ada Lovelace')
  await close()
})

behaviour('an answer by web_message comes out of an iframe or a popup, from the gateway’s origin', async () => {
  const { page, close } = await open(browser, { client: origin })
  const answerer = new URL(gateway.issuer).origin
  const ask = (query) => page.evaluate(([query, answerer]) => ask(query, answerer), [query, answerer])
  await page.goto(`${origin}/`)
  const refusal = await ask({ prompt: 'none' })
  assert.deepEqual([refusal.error, refusal.state, refusal.fromThere], ['login_required', 's', true])
  const [popup, asked] = [page.waitForEvent('popup'), ask({})]
  await logIn(await popup, gateway)
  for (const answer of [await asked, await ask({ prompt: 'none' })]) {
    assert.deepEqual([answer.state, answer.iss, answer.fromThere], ['s', gateway.issuer, true])
    const tokens = await page.evaluate((code) => redeem(code), answer.code)
    assert.ok(tokens.access_token && tokens.id_token)
  }
  await close()
})
