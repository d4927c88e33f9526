// From the first start of a gateway to a token of a user's, and its end, through the console alone, in Chromium.

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, before } from 'node:test'
import { bothWays, clientPages, consoleScripts, launch, logIn, look, open, tabTo } from './chromium.js'
import { behaviour, federatedGrant, serveEmpty } from './gateway.js'
import { oneTimePassword } from './otp.js'

let browser
before(async () => { browser = await launch() })
after(() => browser?.close())

const password = 'correct horse battery staple'

/** What the first of some links is called, as tabTo has it. */
const named = async (links) => (await links.first().textContent()).trim().replace(/\s+/g, ' ')

/** The pages of the console that show something, once there is something to show. */
const pages = ({ client, user, account, event }) => ({
  dashboard: '/admin',
  connections: '/admin/connections',
  connection: '/admin/connections/acme',
  'connection-form': '/admin/connections/acme/edit',
  'connection-new': '/admin/connections/new',
  try: '/admin/connections/acme/try',
  'connection-delete': '/admin/connections/acme/delete',
  applications: '/admin/clients',
  application: client,
  'application-new': '/admin/clients/new',
  'application-branding': `${client}/branding`,
  'application-call': `${client}/call`,
  'application-rotate': `${client}/rotate`,
  'application-delete': `${client}/delete`,
  users: '/admin/users',
  user,
  'user-delete': `${user}/delete`,
  account,
  accounts: '/admin/accounts?state=healthy',
  disconnect: `${account}/disconnect`,
  policy: '/admin/policy',
  events: '/admin/events',
  event,
  audit: '/admin/audit',
  'audit-export': '/admin/audit/export',
  keys: '/admin/keys',
  'keys-sheet': '/admin/keys/sheet',
  settings: '/admin/settings',
  administrators: '/admin/administrators',
  me: '/admin/me',
  passkey: '/admin/me/passkey',
  prove: '/admin/prove',
})

/** Those of them that are forms, which may need a script to be pleasant. The others are read without. */
const forms = ['connection-form', 'connection-new', 'passkey']

behaviour('from the first start to the first exchange in eight steps, and to the end of the account', async (t) => {
  const gateway = await serveEmpty()
  const app = await clientPages()
  const { page, context, close } = await open(browser, { scripts: consoleScripts })
  let steps = 0
  const step = async (what, act) => {
    t.diagnostic(`${++steps}. ${what}`)
    await act()
  }
  try {
    await page.goto(gateway.invitation)
    await look(page, 'welcome', consoleScripts, bothWays)
    await step('choose a name and a password', async () => {
      await page.locator('#name').fill('ada@example.com')
      await page.locator('#password').fill(password)
      await page.getByLabel('The password again').fill(password)
      await page.getByRole('button', { name: 'Go on' }).click()
    })
    const secret = await page.locator('.shown code').textContent()
    await look(page, 'one-time-passwords', consoleScripts, bothWays)
    await step('take the one-time passwords into an app', async () => {
      await page.getByLabel('One-time password').fill(oneTimePassword(secret))
      await page.getByRole('button', { name: 'Become an administrator' }).click()
      await page.getByRole('heading', { name: 'Dashboard' }).waitFor()
    })
    for (const [name, path] of Object.entries({ dashboard: '', connections: '/connections', applications: '/clients', users: '/users', policy: '/policy' })) {
      await page.goto(`${gateway.issuer}admin${path}`)
      await look(page, `${name}-empty`, consoleScripts, bothWays)
    }

    await page.goto(`${gateway.issuer}admin/connections`)
    await page.getByRole('link', { name: /new connection/i }).first().click()
    await step('describe the connection', async () => {
      assert.equal(await page.locator('.copy code').first().textContent(), `${gateway.issuer}login/callback`)
      await page.getByLabel('Address of the org or site').fill(gateway.salesforce)
      await page.getByLabel('Name', { exact: true }).fill('acme')
      await page.getByLabel('Title').fill('Acme')
      await page.getByLabel('Consumer key').fill(gateway.consumerKey)
      await page.getByLabel('Consumer secret', { exact: true }).fill(gateway.consumerSecret)
      await page.getByRole('button', { name: 'Save draft' }).click()
      await page.getByRole('heading', { name: 'Not published yet' }).waitFor()
    })
    await step('try it', async () => {
      await page.getByRole('link', { name: 'Try it first' }).click()
      await page.getByRole('button', { name: 'Try it now' }).click()
      await page.getByRole('link', { name: 'Sign in at Acme' }).click()
      await logIn(page, { users: gateway.users.slice(1) })
      await page.getByText('It works, and nothing is left of it').first().waitFor()
    })
    await look(page, 'tried', consoleScripts, bothWays)
    await step('publish it', async () => {
      await page.getByRole('link', { name: 'Look at the draft' }).click()
      assert.ok(await page.getByText('It is on: a refresh brought a new refresh token.').isVisible())
      await page.getByRole('button', { name: 'Publish' }).click()
      await page.getByText('Published. It is in use.').waitFor()
    })
    const shown = {}
    await step('add the application', async () => {
      await page.goto(`${gateway.issuer}admin/clients/new`)
      await page.getByLabel('Name', { exact: true }).fill('Shop <b>“&”</b> שלום')
      await page.getByLabel(/^Regular web/).check()
      await page.getByLabel('Callback URLs').fill(`${app.origin}/callback`)
      await page.getByLabel(/^Acme/).check()
      await page.getByRole('button', { name: 'Add the application' }).click()
      shown.id = await page.locator('dt:text-is("Client ID") + dd code').textContent()
      shown.secret = await page.locator('dt:text-is("Client secret") + dd code').textContent()
      await look(page, 'application-secret', consoleScripts, bothWays)
    })

    const user = await open(browser)
    const verifier = randomBytes(32).toString('base64url')
    const tokens = {}
    const post = async (form) => {
      const response = await fetch(`${gateway.issuer}oauth/token`, { method: 'POST', body: new URLSearchParams({ ...form, client_id: shown.id, client_secret: shown.secret }) })
      return { status: response.status, ...await response.json() }
    }
    await step('a user signs in to it', async () => {
      await user.page.goto(`${gateway.issuer}authorize?${new URLSearchParams({
        client_id: shown.id, redirect_uri: `${app.origin}/callback`, response_type: 'code', scope: 'openid offline_access', state: 'x',
        code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256',
      })}`)
      await logIn(user.page, gateway)
      await user.page.waitForURL(`${app.origin}/callback**`)
      const code = new URL(user.page.url()).searchParams.get('code')
      Object.assign(tokens, await post({ grant_type: 'authorization_code', code, redirect_uri: `${app.origin}/callback`, code_verifier: verifier }))
    })
    const exchange = () => post({
      grant_type: federatedGrant, subject_token: tokens.refresh_token, subject_token_type: 'urn:ietf:params:oauth:token-type:refresh_token',
      requested_token_type: 'http://auth0.com/oauth/token-type/federated-connection-access-token', connection: 'acme',
    })
    await step('the application exchanges its token', async () => {
      const { access_token, instance_url } = await exchange()
      const { status } = await fetch(`${instance_url}/services/data/v62.0/query?q=SELECT+Id+FROM+Account`, { headers: { authorization: `Bearer ${access_token}` } })
      assert.equal(status, 200)
    })
    assert.ok(steps <= 8, `it takes ${steps} steps`)

    // By the keyboard alone: to the users, and to how the tokens of one of them are.
    await page.goto(`${gateway.issuer}admin`)
    await page.keyboard.press('/')
    await page.keyboard.type(gateway.users[0].username)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Users' }).waitFor()
    await tabTo(page, await named(page.locator('main table a')))
    await page.keyboard.press('Enter')
    await page.locator('main a[href*="/accounts/"]').first().waitFor()
    const at = { client: `/admin/clients/${shown.id}`, user: new URL(page.url()).pathname }
    await tabTo(page, await named(page.locator('main a[href*="/accounts/"]')))
    await page.keyboard.press('Enter')
    await page.getByText('Healthy').first().waitFor()
    at.account = new URL(page.url()).pathname
    await page.goto(`${gateway.issuer}admin/events?type=seta`)
    at.event = new URL(await page.locator('main table a[href*="/admin/events/"]').first().getAttribute('href'), gateway.issuer).pathname
    await page.keyboard.press('Control+k')
    await page.keyboard.type('polic')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Policy' }).waitFor()
    await page.keyboard.press('?')
    await page.getByRole('dialog').getByText('go anywhere').waitFor()
    await page.keyboard.press('Escape')

    // All pages, as they look, and as they read without scripts.
    const cookies = await context.cookies()
    const scriptless = await open(browser, { javaScriptEnabled: false })
    await scriptless.context.addCookies(cookies)
    for (const [name, path] of Object.entries(pages(at))) {
      await page.goto(new URL(path, gateway.issuer).href)
      await look(page, name, consoleScripts, bothWays)
      const heading = await page.locator('h1').first().innerText()
      if (forms.includes(name)) continue
      await scriptless.page.goto(new URL(path, gateway.issuer).href)
      assert.equal(await scriptless.page.locator('h1').first().innerText(), heading, `${name} without scripts`)
    }
    await scriptless.close()

    await page.goto(new URL(`${at.account}/disconnect`, gateway.issuer).href)
    await page.getByRole('button', { name: 'Disconnect the account' }).click()
    await page.getByText(/disconnected/i).first().waitFor()
    const refused = await exchange()
    assert.equal(refused.reason, 'not_connected', JSON.stringify(refused))
    await look(page, 'disconnected', consoleScripts, bothWays)
    await user.close()
    await close()
  } finally {
    app.close()
    await gateway.stop()
  }
}, 400_000)
