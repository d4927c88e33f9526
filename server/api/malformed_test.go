package api_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"sallyport/server/api"
)

// malformed are files with one fault each; in all but the first few the
// connection's secret stands in line 4.
var malformed = []struct{ name, src, want string }{
	{"empty", "", "tenant.yaml: is empty: write at least `clients: []`"},
	{"only comments", "# later\n", "tenant.yaml: is empty"},
	{"empty mapping", "{}", "tenant.yaml: is empty"},
	{"only a document mark", "---\n", "tenant.yaml: is empty"},
	{"a list", "- a\n", "tenant.yaml:1:1: should be a mapping, and is a list"},
	{"a word", "canary-word\n", "tenant.yaml:1:1: should be a mapping, and is text"},
	{"not UTF-8", "clients: []\nx: canary\xff\n", "tenant.yaml:2:10: is not UTF-8"},
	{"control character", "clients: []\nx: \x01\n", "tenant.yaml:2:4: has the character U+0001"},
	{"reserved character", "x: \uFDD0\n", "tenant.yaml:1:4: has the character U+FDD0"},
	{"two documents", "clients: []\n---\nclients: []\n", "tenant.yaml:3:1: begins another YAML document"},
	{"directive", "%YAML 1.2\n---\nclients: []\n", "begins another YAML document"},
	{"too large", strings.Repeat("#", 1<<20+1), "tenant.yaml: is larger than 1 MiB"},
	{"too many tokens", "x: [" + strings.Repeat("a,", 60_000) + "]", "tenant.yaml: holds too much"},
	{"too deep in brackets", strings.Repeat("[", 10_000), "tenant.yaml:1:33: is nested more than 32 deep"},
	{"too deep in dashes", strings.Repeat("- ", 10_000) + "a", "tenant.yaml:1:65: is nested more than 32 deep"},
	{"too many keys", manyKeys(2000), "tenant.yaml:1001:6: is one of more than 1000 keys"},
	{"too many blank lines", "clients: |\n" + strings.Repeat("\n", 200), "tenant.yaml:102:1: is one of more than 100 blank lines"},
	{"alias bomb", bomb, "its aliases (*) repeat too much"},
	{"alias of itself", "clients: &a [*a]\n", "tenant.yaml:1:14: clients[0]: its alias (*) names no anchor"},
	{"merge of text", "clients:\n- <<: canary\n", "tenant.yaml:2:3: clients[0].<<: should be the alias"},

	{"unknown section", with("rules: []"), "tenant.yaml:6:1: rules: unknown key (known here: connections, clients, resourceServers, clientGrants, webhooks, branding)"},
	{"section of another style", with("resource_servers: []"), "tenant.yaml:6:1: resource_servers: unknown key (did you mean resourceServers?)"},
	{"section without value", with("clients:"), "tenant.yaml:6:1: clients: has no value"},
	{"section is a mapping", with("clients: {a: b}"), "tenant.yaml:6:1: clients: should be a list, and is a mapping"},
	{"section twice", with("connections: []"), "tenant.yaml:6:1: connections: is there already, in line 1: remove one of the two"},
	{"unknown option", with("      clientid: x"), "tenant.yaml:6:7: connections[0].options.clientid: unknown key (did you mean client_id?)"},
	{"misspelt secret", with("      clientSecret: canary-literal"), "tenant.yaml:6:7: connections[0].options.clientSecret: unknown key (did you mean client_secret?)"},
	{"option of no strategy", with("      nonsense: canary"), "tenant.yaml:6:7: connections[0].options.nonsense: is not an option of salesforce"},
	{"option twice", with("      client_secret: canary-second"), "tenant.yaml:6:7: connections[0].options.client_secret: is there already, in line 4"},
	{"option is a list", with("      login_url: [canary]"), "tenant.yaml:6:7: connections[0].options.login_url: should be text, a number, true or false, or a mapping of such, and is a list"},
	{"option without value", with("      login_url:"), "tenant.yaml:6:7: connections[0].options.login_url: has no value"},
	{"check without field", with("      login_url: bad"), "tenant.yaml:2:5: connections[0]: cannot use ${SALESFORCE_CLIENT_SECRET}"},
	{"unknown strategy", with("    strategy: salesfroce"), "tenant.yaml:6:5: connections[0].strategy: should be salesforce, salesforce-sandbox or oidc"},
	{"no strategy", "connections: [{name: a}]", "tenant.yaml:1:15: connections[0].strategy: is missing"},
	{"no name", "connections:\n- strategy: oidc", "tenant.yaml:2:3: connections[0].name: is missing"},
	{"bad name", "connections:\n- strategy: oidc\n  name: a b", "tenant.yaml:3:3: connections[0].name: should be letters, digits and hyphens"},
	{"same connection", with("  - name: salesforce"), "tenant.yaml:6:5: connections[1].name: is the same as in line 2: remove one of the two"},
	{"empty upstream secret", "connections:\n- name: a\n  strategy: oidc\n  options: {client_secret: \"\"}", "tenant.yaml:4:13: connections[0].options.client_secret: is empty"},
	{"upstream secret is a list", "connections:\n- name: a\n  options:\n    client_secret: [canary-literal]", "tenant.yaml:4:5: connections[0].options.client_secret: should be text, and is a list"},
	{"upstream secret is a mapping", "connections:\n- name: a\n  options:\n    client_secret: {canary-literal}", "tenant.yaml:4:5: connections[0].options.client_secret: should be text, and is a mapping"},
	{"upstream secret is a number", "connections:\n- name: a\n  options:\n    client_secret: 123456", "tenant.yaml:4:5: connections[0].options.client_secret: should be text, and is a number: put it in quotes"},
	{"parameter with both", with("      upstream_params: {a: {value: canary, alias: b}}"), "tenant.yaml:6:25: connections[0].options.upstream_params.a: should have either a value or an alias"},
	{"parameter is text", with("      upstream_params: {a: canary}"), "tenant.yaml:6:25: connections[0].options.upstream_params.a: should be a mapping, and is text"},
	{"active is text", with("    authentication: {active: canary}"), "tenant.yaml:6:22: connections[0].authentication.active: should be true or false, and is text"},
	{"active is yes", with("    authentication: {active: yes}"), "tenant.yaml:6:22: connections[0].authentication.active: should be true or false"},
	{"scope is a number", with("      scope: 1"), "tenant.yaml:6:7: connections[0].options.scope: should be a list, and is a number"},
	{"unknown client", with("    enabled_clients: [${SALESFORCE_CLIENT_SECRET}]"), "tenant.yaml:6:23: connections[0].enabled_clients[0]: there is no client ${SALESFORCE_CLIENT_SECRET}"},

	{"no client id", with("clients: [{name: a}]"), "tenant.yaml:6:11: clients[0].client_id: is missing"},
	{"same client", with("clients: [{client_id: a, name: a}, {client_id: a, name: a}]"), "tenant.yaml:6:37: clients[1].client_id: is the same as in line 6"},
	{"numeric client id", with("clients: [{client_id: 12}]"), "tenant.yaml:6:12: clients[0].client_id: should be text, and is a number: put it in quotes"},
	{"unknown client key", withClient("callback: []"), "tenant.yaml:11:5: clients[0].callback: unknown key (did you mean callbacks?)"},
	{"secret as key", withClient("canary-canary+canary: x"), "tenant.yaml:11:5: clients[0].…: unknown key"},
	{"long secret as key", withClient(strings.Repeat("canary", 7) + ": x"), "tenant.yaml:11:5: clients[0].…: unknown key"},
	{"no space after a quoted key's colon", withClient("\"description:canary\": x"), "tenant.yaml:11:5: clients[0].description…: unknown key"},
	{"literal secret in a check", strings.ReplaceAll(with("      login_url: bad"), "${SALESFORCE_CLIENT_SECRET}", "canary-literal"), "tenant.yaml:2:5: connections[0]: cannot use (secret)"},
	{"grant with unknown key", with("clientGrants: [{client_id: app, scopes: []}]"), "tenant.yaml:6:33: clientGrants[0].scopes: unknown key (did you mean scope?)"},
	{"callbacks is text", withClient("callbacks: canary"), "tenant.yaml:11:5: clients[0].callbacks: should be a list, and is text"},
	{"callback is a list", withClient("callbacks: [a, [b]]"), "tenant.yaml:11:20: clients[0].callbacks[1]: should be text, and is a list"},
	{"callback is relative", withClient("callbacks: [https://a, /cb]"), "tenant.yaml:11:5: clients[0].callbacks: is not an absolute URL: /cb"},
	{"secret as callback", withClient("callbacks: [\"${SALESFORCE_CLIENT_SECRET}\"]"), "tenant.yaml:11:5: clients[0].callbacks: is not an absolute URL: ${SALESFORCE_CLIENT_SECRET}"},
	{"callback with wildcard", withClient("callbacks: [\"https://*.example.com\"]"), "tenant.yaml:11:17: clients[0].callbacks[0]: has a wildcard"},
	{"origin with path", withClient("web_origins: [\"https://a.example.com/\"]"), "tenant.yaml:11:19: clients[0].web_origins[0]: should be an origin and no more"},
	{"unknown kind", withClient("app_type: web"), "tenant.yaml:11:5: clients[0].app_type: should be one of regular_web"},
	{"unknown method", withClient("token_endpoint_auth_method: magic"), "tenant.yaml:11:5: clients[0].token_endpoint_auth_method: should be client_secret_post, client_secret_basic, private_key_jwt or none"},
	{"secret of a public client", withClient("token_endpoint_auth_method: none"), "tenant.yaml:9:5: clients[0].client_secret: is of no use to a client whose token_endpoint_auth_method is none"},
	{"no secret", with("clients: [{client_id: a, name: a}]"), "tenant.yaml:6:11: clients[0].client_secret: is missing"},
	{"short secret", with("clients: [{client_id: a, name: a, client_secret: canary-short}]"), "tenant.yaml:6:35: clients[0].client_secret: is shorter than 16 characters: make one with `openssl rand -hex 32`"},
	{"flag is text", withClient("is_first_party: \"true\""), "tenant.yaml:11:5: clients[0].is_first_party: should be true or false, and is text"},
	{"leeway", withClient("refresh_token: {leeway: 301}"), "tenant.yaml:11:21: clients[0].refresh_token.leeway: should be a number of seconds from 0 to 300"},
	{"negative leeway", withClient("refresh_token: {leeway: -1}"), "clients[0].refresh_token.leeway: should be a number of seconds from 0 to 300"},
	{"lifetime of zero", withClient("refresh_token: {token_lifetime: 0}"), "tenant.yaml:11:21: clients[0].refresh_token.token_lifetime: should be a number of seconds from 1 to"},
	{"lifetime too long", withClient("refresh_token: {idle_token_lifetime: 9999999999}"), "clients[0].refresh_token.idle_token_lifetime: should be a number of seconds from 1 to"},
	{"lifetime is no integer", withClient("refresh_token: {token_lifetime: 1.5}"), "clients[0].refresh_token.token_lifetime: should be a whole number"},
	{"lifetime is text", withClient("refresh_token: {token_lifetime: \"canary\"}"), "clients[0].refresh_token.token_lifetime: should be a whole number"},
	{"unknown rotation", withClient("refresh_token: {rotation_type: canary}"), "clients[0].refresh_token.rotation_type: should be rotating or non-rotating"},
	{"unknown expiration", withClient("refresh_token: {expiration_type: canary}"), "clients[0].refresh_token.expiration_type: should be expiring or non-expiring"},
	{"algorithm", withClient("jwt_configuration: {alg: HS256}"), "tenant.yaml:11:25: clients[0].jwt_configuration.alg: should be RS256, PS256, ES256 or EdDSA"},
	{"private key", keyed("jwks_uri: https://a/, client_authentication_methods: {private_key_jwt: {credentials: [{pem: \"-----BEGIN PRIVATE KEY-----\\ncanary\"}]}}"), "clients[0].client_authentication_methods.private_key_jwt.credentials[0].pem: is a private or symmetric key: leave it with the client, and write its public key, as `openssl pkey -in key.pem -pubout` does"},
	{"private key behind a public one", keyed(credential(ecPEM + "-----BEGIN EC PRIVATE KEY-----\ncanary")), ".pem: is a private or symmetric key"},
	{"two public keys", keyed(credential(ecPEM + edPEM)), ".pem: holds more than one key or certificate"},
	{"no PEM", keyed(credential("canary")), "tenant.yaml:6:104: clients[0].client_authentication_methods.private_key_jwt.credentials[0].pem: should be PEM, line by line"},
	{"PEM of something else", keyed(credential(pemBlock("RSA PUBLIC KEY", []byte("canary")))), ".pem: should be PEM"},
	{"PEM of nothing", keyed(credential(pemBlock("PUBLIC KEY", []byte("canary")))), ".pem: is damaged"},
	{"certificate of nothing", keyed(credential(pemBlock("CERTIFICATE", []byte("canary")))), ".pem: is damaged"},
	{"short RSA key", keyed(credential(pemOf(rsaKey(1024)))), ".pem: is an RSA key of 1024 bits: make one of 2048 to 8192"},
	{"long RSA key", keyed(credential(pemOf(rsaKey(8200)))), ".pem: is an RSA key of 8200 bits"},
	{"P-384", keyed(credential(pemOf(p384))), ".pem: should be an RSA key, an EC key on P-256 or an Ed25519 key"},
	{"credential without key", keyed("client_authentication_methods: {private_key_jwt: {credentials: [{name: canary}]}}"), "credentials[0].pem: is missing"},
	{"credential of another type", keyed(credential(ecPEM, "credential_type: x509_cert")), "credentials[0].credential_type: should be public_key"},
	{"algorithm of another key", keyed(credential(ecPEM, "alg: RS256")), "credentials[0].alg: does not fit the key: should be ES256"},
	{"algorithm of no key", keyed(credential(rsaPEM, "alg: RS384")), "credentials[0].alg: does not fit the key: should be RS256 or PS256"},
	{"expiry", keyed(credential(edPEM, "expires_at: tomorrow")), "credentials[0].expires_at: should be a time such as 2030-01-31T00:00:00Z"},
	{"kid of lines", keyed(credential(edPEM, `kid: "a\nb"`)), "credentials[0].kid: should be text in one line"},
	{"unknown key of a credential", keyed(credential(edPEM, "parse_expiry_from_cert: true")), "credentials[0].parse_expiry_from_cert: unknown key (known here: name, credential_type, kid, alg, expires_at, pem)"},
	{"method that is not supported", keyed("client_authentication_methods: {tls_client_auth: {}}"), "clients[0].client_authentication_methods.tls_client_auth: unknown key (known here: private_key_jwt)"},
	{"method without key", keyed("client_authentication_methods: {private_key_jwt: {credentials: []}}"), "clients[0].client_authentication_methods: has no key"},
	{"method without its name", keyed("client_authentication_methods: {credentials: []}"), "client_authentication_methods.credentials: unknown key"},
	{"two methods", withClient("token_endpoint_auth_method: client_secret_post\n    " + credential(ecPEM)), "tenant.yaml:12:5: clients[0].client_authentication_methods: says private_key_jwt, and token_endpoint_auth_method says otherwise"},
	{"secret beside keys", withClient(credential(ecPEM)), "tenant.yaml:9:5: clients[0].client_secret: is of no use to a client that authenticates with its keys"},
	{"secret of private_key_jwt", withClient("token_endpoint_auth_method: private_key_jwt\n    jwks_uri: https://a/"), "tenant.yaml:9:5: clients[0].client_secret: is of no use to a client whose token_endpoint_auth_method is private_key_jwt"},
	{"jwks is a list", keyed("jwks: [canary]"), "tenant.yaml:6:39: clients[0].jwks: should be a mapping, and is a list"},
	{"jwks is not JSON", keyed("jwks: canary"), "tenant.yaml:6:39: clients[0].jwks: is not JSON: write a JWK Set"},
	{"jwks is JSON text", keyed(`jwks: '"canary"'`), "tenant.yaml:6:39: clients[0].jwks: is not JSON: write a JWK Set"},
	{"jwks goes on", keyed(`jwks: '{"keys": []}]'`), "tenant.yaml:6:39: clients[0].jwks: is not JSON"},
	{"jwks without keys", keyed("jwks: {kty: EC}"), "clients[0].jwks: should be a JWK Set, and has no keys"},
	{"jwks with text", keyed("jwks: {keys: [canary]}"), "clients[0].jwks.keys[0]: should be a mapping, and is text"},
	{"jwks of nothing", keyed("jwks: {keys: [null]}"), "clients[0].jwks.keys[0]: should be a mapping, and is nothing"},
	{"jwks with a private key", keyed("jwks: {keys: [{kty: EC, crv: P-256, d: canary}]}"), "tenant.yaml:6:53: clients[0].jwks.keys[0]: is a private or symmetric key"},
	{"jwks with a private key as JSON", keyed(`jwks: '{"keys": [{"kty": "EC", "d": "canary"}]}'`), "tenant.yaml:6:39: clients[0].jwks.keys[0]: is a private or symmetric key"},
	{"jwks with a symmetric key", keyed("jwks: {keys: [{kty: oct, k: canary}]}"), "clients[0].jwks.keys[0]: is a private or symmetric key"},
	{"jwks with a key for encryption", keyed("jwks: {keys: [{use: enc, kty: RSA}]}"), "clients[0].jwks.keys[0]: is for encryption: leave it out"},
	{"jwks with an unknown key", keyed("jwks: {keys: [{kty: EC, crv: secp256k1}]}"), "clients[0].jwks.keys[0]: should be an RSA key, an EC key on P-256 or an Ed25519 key"},
	{"jwks with half an RSA key", keyed("jwks: {keys: [{kty: RSA, e: AQAB}]}"), "clients[0].jwks.keys[0]: is no RSA key"},
	{"jwks with an RSA exponent of 1", keyed("jwks: {keys: [{kty: RSA, e: AQ, n: " + rsaN + "}]}"), "clients[0].jwks.keys[0]: is no RSA key"},
	{"jwks with a point off the curve", keyed("jwks: {keys: [{kty: EC, crv: P-256, x: " + ecX + ", y: " + ecX + "}]}"), "clients[0].jwks.keys[0]: is no EC key"},
	{"jwks with a short Ed25519 key", keyed("jwks: {keys: [{kty: OKP, crv: Ed25519, x: AAAA}]}"), "clients[0].jwks.keys[0]: is no Ed25519 key"},
	{"jwks with padding", keyed("jwks: {keys: [{kty: OKP, crv: Ed25519, x: \"AA==\"}]}"), "clients[0].jwks.keys[0]: has a member x that is not base64url"},
	{"jwks with a numeric kid", keyed("jwks: {keys: [{kty: OKP, kid: 12}]}"), "clients[0].jwks.keys[0].kid: should be text, and is a number: put it in quotes"},
	{"jwks for another algorithm", keyed("jwks: {keys: [{kty: OKP, crv: Ed25519, alg: ES256, x: " + edX + "}]}"), "clients[0].jwks.keys[0].alg: does not fit the key: should be EdDSA"},
	{"too many keys of a client", keyed("jwks: {keys: [" + strings.Join(edKeys(11), ", ") + "]}"), "clients[0].jwks.keys[10]: is one of more than 10 keys"},
	{"same kid", keyed("jwks: {keys: [{kid: a, kty: OKP, crv: Ed25519, x: " + edX + "}]}, signed_request_object: {credentials: [{kid: a, pem: " + strconv.Quote(ecPEM) + "}]}"), "clients[0].signed_request_object.credentials[0]: has the key or the kid of another"},
	{"key for two algorithms", keyed("jwks: {keys: [{kty: RSA, e: AQAB, n: " + rsaN + "}, {kid: b, alg: PS256, kty: RSA, e: AQAB, n: " + rsaN + "}]}"), "clients[0].jwks.keys[1]: has the key or the kid of another, and differs"},
	{"jwks_uri of http", keyed("jwks_uri: http://a.example.com/"), "tenant.yaml:6:39: clients[0].jwks_uri: should be a URL with https"},
	{"jwks_uri of file", keyed("jwks_uri: file:///etc/passwd"), "clients[0].jwks_uri: should be a URL with https"},
	{"jwks_uri with a user", keyed("jwks_uri: https://canary:canary@a.example.com/"), "clients[0].jwks_uri: should be a URL with https"},
	{"jwks_uri is relative", keyed("jwks_uri: /jwks.json"), "clients[0].jwks_uri: should be a URL with https"},
	{"jwks and jwks_uri", keyed("jwks_uri: https://a/, jwks: {keys: [{kty: OKP, crv: Ed25519, x: " + edX + "}]}"), "clients[0].jwks_uri: stands beside jwks: remove one of the two"},
	{"signed requests without a key", withClient("signed_request_object: {required: true}"), "tenant.yaml:11:29: clients[0].signed_request_object.required: needs a key"},
	{"level of FAPI 1", withClient("compliance_level: fapi1_adv_pkj_par"), "tenant.yaml:11:5: clients[0].compliance_level: is a level that is not supported: should be none or fapi2_sp_pkj_dpop"},
	{"level with mutual TLS", withClient("compliance_level: fapi2_sp_pkj_mtls"), "clients[0].compliance_level: is a level that is not supported"},
	{"unknown level", withClient("compliance_level: canary"), "clients[0].compliance_level: should be none or fapi2_sp_pkj_dpop"},
	{"FAPI with a secret", withClient("compliance_level: fapi2_sp_pkj_dpop"), "tenant.yaml:11:5: clients[0].compliance_level: needs a client that authenticates with its keys"},
	{"FAPI with RS256", keyed("compliance_level: fapi2_sp_pkj_dpop, jwks_uri: https://a/, jwt_configuration: {alg: RS256}"), "clients[0].jwt_configuration.alg: should be PS256, ES256 or EdDSA, since compliance_level is fapi2_sp_pkj_dpop"},
	{"FAPI with a key for RS256", keyed("compliance_level: fapi2_sp_pkj_dpop, " + credential(rsaPEM, "alg: RS256")), "credentials[0].alg: does not fit the key: should be PS256, since compliance_level is fapi2_sp_pkj_dpop"},
	{"two URLs for logout", withClient("oidc_logout: {backchannel_logout_urls: [\"https://a/\", \"https://b/\"]}"), "tenant.yaml:11:59: clients[0].oidc_logout.backchannel_logout_urls[1]: is one too many: a client is told at one URL"},
	{"logout at http", withClient("oidc_logout: {backchannel_logout_urls: [\"http://a/\"]}"), "clients[0].oidc_logout.backchannel_logout_urls[0]: should be a URL with https"},
	{"logout with a fragment", withClient("oidc_logout: {backchannel_logout_urls: [\"https://a/#b\"]}"), "clients[0].oidc_logout.backchannel_logout_urls[0]: should be a URL with https"},
	{"PAR is text", withClient("require_pushed_authorization_requests: \"canary\""), "clients[0].require_pushed_authorization_requests: should be true or false"},
	{"DPoP is a number", withClient("require_proof_of_possession: 1"), "clients[0].require_proof_of_possession: should be true or false"},
	{"metadata is a number", withClient("client_metadata: {a: 1}"), "tenant.yaml:11:23: clients[0].client_metadata.a: should be text, and is a number"},
	{"token_vault of nothing", withClient("token_vault: {}"), "tenant.yaml:11:5: clients[0].token_vault: should have either connections, or unrestricted: true"},
	{"token_vault of both", withClient("token_vault: {unrestricted: true, connections: []}"), "clients[0].token_vault: should have either"},
	{"token_vault that lifts nothing", withClient("token_vault: {unrestricted: false}"), "clients[0].token_vault: should have either"},
	{"unknown key of token_vault", withClient("token_vault: {networks: [10.0.0.0/8]}"), "clients[0].token_vault.networks: unknown key (known here: connections, unrestricted)"},
	{"unknown key of its list", withClient("token_vault: {connections: [{connection: salesforce, scope: [api]}]}"), "token_vault.connections[0].scope: unknown key (did you mean scopes?)"},
	{"token_vault without connection", withClient("token_vault: {connections: [{scopes: [api]}]}"), "token_vault.connections[0].connection: is missing"},
	{"token_vault of no connection", withClient("token_vault: {connections: [{connection: nowhere}]}"), "token_vault.connections[0].connection: there is no connection nowhere"},
	{"token_vault twice", withClient("token_vault: {connections: [{connection: salesforce}, {connection: salesforce}]}"), "token_vault.connections[1].connection: is listed before"},
	{"token_vault without scopes", withClient("token_vault: {connections: [{connection: salesforce, scopes: []}]}"), "token_vault.connections[0].scopes: is empty"},
	{"token_vault without networks", withClient("token_vault: {connections: [{connection: salesforce, networks: []}]}"), "token_vault.connections[0].networks: is empty"},
	{"token_vault of no network", withClient("token_vault: {connections: [{connection: salesforce, networks: [10.0.0.0/8, canary]}]}"), "token_vault.connections[0].networks[1]: should be a network"},
	{"token_vault of a host in a network", withClient("token_vault: {connections: [{connection: salesforce, networks: [10.0.0.1/8]}]}"), "networks[0]: should be a network"},
	{"unknown API of a client", withClient("resource_server_identifier: urn:x"), "tenant.yaml:11:5: clients[0].resource_server_identifier: there is no resource server urn:x: add it to resourceServers"},
	{"tag", withClient("description: !!str canary"), "tenant.yaml:11:5: clients[0].description: its tag (!) is not supported"},
	{"unknown alias", withClient("description: *canary"), "tenant.yaml:11:5: clients[0].description: its alias (*) names no anchor"},
	{"complex key", withClient("? name\n    : canary"), "tenant.yaml:11:5: ? is not supported"},

	{"no identifier", with("resourceServers: [{name: a}]"), "tenant.yaml:6:19: resourceServers[0].identifier: is missing"},
	{"symmetric tokens", with("resourceServers: [{identifier: a, signing_alg: HS256}]"), "tenant.yaml:6:35: resourceServers[0].signing_alg: should be RS256, PS256, ES256 or EdDSA"},
	{"scope without value", with("resourceServers: [{identifier: a, scopes: [{description: canary}]}]"), "resourceServers[0].scopes[0].value: is missing"},
	{"scope with space", with("resourceServers: [{identifier: a, scopes: [{value: a b}]}]"), "tenant.yaml:6:45: resourceServers[0].scopes[0].value: has a space"},
	{"scope twice", with("resourceServers: [{identifier: a, scopes: [{value: b}, {value: b}]}]"), "tenant.yaml:6:57: resourceServers[0].scopes[1].value: is there already"},
	{"scopes are text", with("resourceServers: [{identifier: a, scopes: [canary]}]"), "resourceServers[0].scopes[0]: should be a mapping, and is text"},
	{"grant of no audience", with("clientGrants: [{client_id: app}]"), "tenant.yaml:6:16: clientGrants[0].audience: is missing"},
	{"grant of an unknown client", with("clientGrants: [{client_id: app, audience: a, scope: []}]"), "tenant.yaml:6:17: clientGrants[0].client_id: there is no client app"},
	{"the gateway's own API", "resourceServers: [{identifier: https://login.example.com/api/v2/}]", "tenant.yaml:1:20: resourceServers[0].identifier: is the management API, which every gateway has: remove it, and name it in clientGrants alone"},
	{"grant for an unknown API", withClient("is_first_party: true", "clientGrants: [{client_id: app, audience: a, scope: b}]"), "tenant.yaml:12:33: clientGrants[0].audience: there is no resource server a"},
	{"webhook without a name", with("webhooks: [{url: https://ops.example/}]"), "tenant.yaml:6:12: webhooks[0].name: is missing"},
	{"webhook without a secret", with("webhooks: [{name: ops, url: https://ops.example/}]"), "tenant.yaml:6:12: webhooks[0].secret: should be whsec_ and 24 to 64 random bytes in base64: make one with `echo whsec_$(openssl rand -base64 32)`"},
	{"webhook that is not https", with("webhooks: [{name: ops, url: http://ops.example/}]"), "webhooks[0].url: should be a URL with https"},
	{"webhook of an unknown type", with("webhooks: [{name: ops, url: https://ops.example/, types: [grant.dead]}]"), "webhooks[0].types[0]: is unknown: the types are grant.ended, account.connected"},
	{"same webhook", with("webhooks: [{name: ops}, {name: ops}]"), "webhooks[1].name: is the same as in line 6"},
	{"same grant", with("clientGrants: [{client_id: a, audience: a}, {client_id: a, audience: a}]"), "tenant.yaml:6:60: clientGrants[1].client_id and audience: is the same as in line 6"},

	{"tab", with("\tclients: []"), "is not YAML"},
	{"unclosed quote", with("clients: \"canary-open"), "tenant.yaml:6:10: is not YAML: could not find end character of double-quoted text"},
	{"unclosed bracket", with("clients: [canary-open"), "is not YAML"},
	{"two colons", with("clients: canary: b"), "tenant.yaml:6:10: is not YAML: mapping value is not allowed in this context"},
	{"no space after colon", with("      client_secret:canary"), "is not YAML"},
	{"unset variable", withClient("description: a ${UNSET} b"), "tenant.yaml:11:5: clients[0].description: the environment variable UNSET is not set: set it, or remove the line"},
	{"unset hashes", withClient("description: ##UNSET##"), "tenant.yaml:11:5: clients[0].description: the environment variable UNSET is not set"},
	{"unset JSON", withClient("callbacks: [a, @@UNSET@@]"), "tenant.yaml:11:20: clients[0].callbacks[1]: the environment variable UNSET is not set"},
	{"no variable", withClient("description: ${UNSET:-canary}"), "tenant.yaml:11:5: clients[0].description: has a \"${\" that names no variable"},
	{"variable is not JSON", withClient("callbacks: @@NOT_JSON@@"), "tenant.yaml:11:5: clients[0].callbacks: the environment variable NOT_JSON is not JSON"},
	{"JSON within text", withClient("description: a @@CALLBACKS@@"), "tenant.yaml:11:5: clients[0].description: @@CALLBACKS@@ stands for a whole value: within text write ##CALLBACKS##"},
	{"variable is not text", withClient("description: ${LATIN1}"), "clients[0].description: the environment variable LATIN1 is not text"},
	{"hashes first on their line", withClient("description:\n      ##HOST##"), "tenant.yaml:11:5: clients[0].description: has no value"},
	{"variable as key", withClient("${HOST}: x"), "tenant.yaml:11:5: clients[0].…: unknown key"},
}

// keyed is a sixth line with a client that has no secret, and what is to be
// tested.
func keyed(fields string) string {
	return with("clients: [{client_id: app, name: App, " + fields + "}]")
}

// with is a file of a connection, and a sixth line.
func with(line string) string {
	return "connections:\n  - name: salesforce\n    options:\n      client_secret: ${SALESFORCE_CLIENT_SECRET}\n      client_id: abc\n" + line + "\n"
}

// withClient is a file with a client from its seventh line on, whose eleventh
// is to be tested, and more lines.
func withClient(line string, more ...string) string {
	return "connections:\n  - name: salesforce\n    strategy: oidc\n    options:\n      client_secret: canary-in-the-file-itself\n" +
		"clients:\n  - client_id: app\n    name: App\n    client_secret: ${SAMPLE_APP_SECRET}\n    oidc_conformant: true\n    " + line + "\n" + strings.Join(more, "\n")
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k%04d: x\n", i)
	}
	return b.String()
}

var bomb = func() string {
	b := "clients: &x0 [a, a, a, a, a, a, a, a, a, a]\n"
	for i := range 9 {
		b += fmt.Sprintf("k%d: &x%d [%s]\n", i, i+1, strings.Repeat(fmt.Sprintf("*x%d, ", i), 10))
	}
	return b
}()

func TestMalformedFileIsRefusedAtItsPlace(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	mustApply(t, v, "connections: [{name: salesforce, strategy: salesforce}]")
	for _, tt := range malformed {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := apply(t, v, tt.src)
			var e *api.Error
			if !errors.As(err, &e) {
				t.Fatalf("%v is no api.Error", err)
			}
			if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			silent(t, "error", fmt.Sprintf("%v %+v", err, err))
		})
	}
}
