// An administrator sets up Salesforce in the console, in Chromium.

import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { becomeAdministrator, consoleScripts, launch, look, open } from './chromium.js'
import { behaviour, demo } from './gateway.js'

let browser
before(async () => { browser = await launch() })
after(() => browser?.close())

behaviour('an administrator sets up Salesforce, and publishes what the differences show', async () => {
  const running = await demo()
  const { page, close } = await open(browser, { scripts: consoleScripts })
  try {
    await becomeAdministrator(page, running.admin_url)
    await page.goto(`${running.issuer}admin/connections/new`)
    assert.equal(await page.locator('.copy code').first().textContent(), `${running.issuer}login/callback`)

    // A page of Setup that is pasted tells the environment and the host.
    await page.getByLabel('Address of the org or site').fill('https://acme--uat.sandbox.my.salesforce-setup.com/lightning/setup/SetupOneHome/home')
    await page.getByText('Salesforce sandbox, at https://acme--uat.sandbox.my.salesforce.com.').waitFor()
    assert.ok(await page.getByLabel('One org, by its My Domain').isChecked())

    const caution = page.getByText('the vault can keep no refresh token')
    assert.ok(await caution.isHidden())
    await page.locator('input[value=refresh_token]').uncheck()
    await caution.waitFor()
    await page.locator('input[value=refresh_token]').check()
    await page.getByLabel('Search scopes').fill('data cloud')
    assert.ok(await page.locator('input[value=cdp_query_api]').isVisible())
    assert.ok(await page.locator('input[value=web]').isHidden())
    await page.getByLabel('Search scopes').fill('')

    await page.getByLabel('Name', { exact: true }).fill('acme')
    await page.getByLabel('Title').fill('Acme')
    await page.getByLabel('Consumer secret', { exact: true }).fill('a-secret')
    await page.getByRole('button', { name: 'Save draft' }).click()
    await page.getByText('It was not saved yet.').waitFor() // there is no consumer key
    await look(page, 'faults', consoleScripts)
    await page.getByLabel('Consumer key').fill('3MVG9.acme')
    await page.getByLabel('Consumer secret', { exact: true }).fill('a-secret')
    await page.getByRole('button', { name: 'Save draft' }).click()
    await page.getByRole('heading', { name: 'Not published yet' }).waitFor()
    await look(page, 'draft', consoleScripts)
    await page.getByRole('button', { name: 'Publish' }).click()
    await page.getByText('Published. It is in use.').waitFor()

    await page.locator('.head').getByRole('link', { name: 'Edit' }).click()
    await page.getByLabel('Title').fill('Acme, tested')
    await page.getByRole('button', { name: 'Save draft' }).click()
    await page.getByRole('button', { name: 'Publish' }).click()
    await page.getByRole('link', { name: 'Undo the last change' }).click()
    await page.getByRole('button', { name: 'Undo it' }).click()
    await page.getByRole('heading', { name: 'Acme', exact: true }).waitFor()
    await page.goto(`${running.issuer}admin/connections`)
    await look(page, 'connections', consoleScripts)
  } finally {
    await close()
    await running.stop()
  }
})
