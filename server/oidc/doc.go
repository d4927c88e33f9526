// Package oidc is the OpenID Provider's side of the protocol, as functions:
// requests and records in, claims, URLs and errors out. Nothing here does I/O,
// reads a clock or makes a random value ([GenerateKey] excepted), so a test is
// a call, and what a handler adds is only where the records come from.
//
//	GET /authorize      ParseAuthorizationRequest, CheckRedirectURI, CheckAuthorizationRequest
//	                    → AuthorizationResponse or ErrorResponse: where the browser goes
//	POST /oauth/token   ParseTokenRequest, CheckClient, CheckGrantType, then by grant type
//	                      authorization_code    CheckCode
//	                      refresh_token         ParseRefreshToken, CheckGrant
//	                      client_credentials    CheckClientCredentials
//	                      token exchange        ParseExchange; refusals by ExchangeRequest.Refuse
//	                    → IDTokenClaims, AccessTokenClaims, Signer.Sign → TokenResponse
//	GET /userinfo       KeySet.Verify, UserInfo
//	POST /oauth/revoke  ParseRevocationRequest, CheckClient
//	GET /oidc/logout    ParseLogoutRequest, KeySet.VerifyHint, CheckLogoutRequest
//
// Every function that finds fault returns an [*Error], whose description is
// for the client and whose cause is for the log.
package oidc
