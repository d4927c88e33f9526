package api

import "sallyport/vault"

// Management and MyAccount are the identifiers of the gateway's own APIs, after
// the issuer: the audiences of the access tokens that they take.
const (
	Management = "api/v2/"
	MyAccount  = "me/"
)

// Own are the gateway's own APIs. They are in no tenant file and no record.
func Own(issuer string) []vault.ResourceServer {
	return []vault.ResourceServer{
		{Identifier: issuer + Management, Name: "Management API", Scopes: managementScopes},
		{Identifier: issuer + MyAccount, Name: "My Account API", Scopes: myAccountScopes},
	}
}

// managementScopes are for those who run the gateway.
var managementScopes = []vault.Scope{
	{Value: "read:clients", Description: "See the applications"},
	{Value: "update:clients", Description: "Change applications"},
	{Value: "update:client_keys", Description: "Give applications new secrets"},
	{Value: "read:connections", Description: "See why applications get tokens of connections, or do not"},
	{Value: "update:connections", Description: "Disconnect all accounts of connections"},
	{Value: "read:users", Description: "See users and which accounts they have connected"},
	{Value: "delete:users", Description: "Delete users with all that is theirs"},
	{Value: "read:federated_connections_tokens", Description: "See which tokens of users are kept"},
	{Value: "delete:federated_connections_tokens", Description: "Disconnect accounts of users"},
	{Value: "read:grants", Description: "See which applications users have allowed what"},
	{Value: "delete:grants", Description: "Take back what users have allowed applications"},
	{Value: "read:signing_keys", Description: "See which keys sign tokens"},
	{Value: "create:signing_keys", Description: "Make new keys that sign tokens"},
	{Value: "read:logs", Description: "See what happened: the log of events"},
	{Value: "read:vault_keys", Description: "See which keys seal the vault, by their IDs, and how far a change of them has come"},
	{Value: "update:vault_keys", Description: "Change the keys that seal the vault"},
	{Value: "read:backups", Description: "Make backups of the vault, which only its root key opens"},
	{Value: "read:webhooks", Description: "See webhooks and what was sent to them"},
	{Value: "update:webhooks", Description: "Make, change, try and delete webhooks, and send messages again"},
	{Value: "update:store", Description: "Move the vault to another store, which stops this one"},
}

// myAccountScopes are for users' own applications.
var myAccountScopes = []vault.Scope{
	{Value: "read:me:connected_accounts", Description: "See which accounts you have connected"},
	{Value: "delete:me:connected_accounts", Description: "Disconnect accounts of yours"},
	{Value: "read:me:grants", Description: "See which applications you have allowed what"},
	{Value: "delete:me:grants", Description: "Take back what you have allowed applications"},
}
