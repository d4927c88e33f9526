// Package oidc is the OpenID Provider's side of the protocol, as functions:
// requests and records in, claims, URLs and errors out. Nothing here does I/O,
// reads a clock or makes a random value ([GenerateKey] excepted), so a test is
// a call, and what a handler adds is only where the records come from.
//
//	POST /oauth/par     ParsePushedRequest, the client, CheckPushedRequest, ParseRequestObject
//	                    if there is one, then as at /authorize, CheckPushedKey → PushedResponse
//	GET /authorize      ParseReference, CheckReference, ParseRequestObject if there is one,
//	                    ParseAuthorizationRequest, CheckRedirectURI, CheckAuthorizationRequest,
//	                    KeySet.HintedUser, CheckUser
//	                    → CodeResponse or FaultResponse: what the browser brings to the client
//	POST /oauth/token   ParseTokenRequest, the client, ParseProof, CheckProof, CheckGrantType,
//	                    then by grant type
//	                      authorization_code    CheckCode, CheckCodeKey
//	                      refresh_token         ParseRefreshToken, UseOf, CheckGrant, CheckGrantKey
//	                      client_credentials    CheckClientCredentials, CheckSenderKey
//	                      device_code           CheckPoll, CheckSenderKey
//	                      token exchange        ParseExchange; refusals by ExchangeRequest.Refuse
//	                    → IDTokenClaims, AccessTokenClaims, Signer.Sign → TokenResponse
//	POST /oauth/device/code  ParseDeviceRequest, the client, CheckDeviceRequest → NewDeviceResponse
//	GET /userinfo       KeySet.Verify, CheckPossession, CheckProof, UserInfoWith
//	POST /oauth/revoke  ParsePresentedToken, the client
//	POST /oauth/introspect  ParsePresentedToken, the client, CheckIntrospection
//	                    → IntrospectJWT, IntrospectAccessToken, IntrospectRefreshToken
//	GET /oidc/logout    ParseLogoutRequest, KeySet.VerifyHint, CheckLogoutRequest
//	GET /v2/logout      ParseV2LogoutRequest, CheckV2LogoutRequest
//
// The client is authenticated by CheckClient, or, if it sent an assertion, by
// ParseClientKeys and CheckClientAssertion.
//
// Every function that finds fault returns an [*Error], whose description is
// for the client and whose cause is for the log.
package oidc
