package api

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"sallyport/vault"
)

// Client is an application. Of a nil field it says nothing.
type Client struct {
	ClientID                 string            `yaml:"client_id" json:"client_id,omitzero"`
	ClientSecret             *Secret           `yaml:"client_secret" json:"client_secret,omitzero"`
	ClientSecretPrevious     *Secret           `yaml:"client_secret_previous" json:"client_secret_previous,omitzero"` // good beside it; "" ends the one that is
	Name                     *string           `yaml:"name" json:"name,omitzero"`
	Description              *string           `yaml:"description" json:"description,omitzero"`
	AppType                  *string           `yaml:"app_type" json:"app_type,omitzero"`
	IsFirstParty             *bool             `yaml:"is_first_party" json:"is_first_party,omitzero"`
	OIDCConformant           *bool             `yaml:"oidc_conformant" json:"oidc_conformant,omitzero"`
	Callbacks                []string          `yaml:"callbacks" json:"callbacks,omitzero"`
	AllowedLogoutURLs        []string          `yaml:"allowed_logout_urls" json:"allowed_logout_urls,omitzero"`
	WebOrigins               []string          `yaml:"web_origins" json:"web_origins,omitzero"`
	AllowedOrigins           []string          `yaml:"allowed_origins" json:"allowed_origins,omitzero"` // kept with WebOrigins, as one list
	GrantTypes               []string          `yaml:"grant_types" json:"grant_types,omitzero"`
	TokenEndpointAuthMethod  *string           `yaml:"token_endpoint_auth_method" json:"token_endpoint_auth_method,omitzero"`
	RefreshToken             *RefreshToken     `yaml:"refresh_token" json:"refresh_token,omitzero"`
	JWTConfiguration         *JWTConfiguration `yaml:"jwt_configuration" json:"jwt_configuration,omitzero"`
	ResourceServerIdentifier *string           `yaml:"resource_server_identifier" json:"resource_server_identifier,omitzero"`
	ClientMetadata           map[string]string `yaml:"client_metadata" json:"client_metadata,omitzero"`

	ClientAuthenticationMethods *ClientAuthenticationMethods `yaml:"client_authentication_methods" json:"client_authentication_methods,omitzero"`
	JWKS                        *JWKS                        `yaml:"jwks" json:"jwks,omitzero"`
	JWKSURI                     *string                      `yaml:"jwks_uri" json:"jwks_uri,omitzero"`
	SignedRequestObject         *SignedRequestObject         `yaml:"signed_request_object" json:"signed_request_object,omitzero"`

	RequirePushedAuthorizationRequests *bool       `yaml:"require_pushed_authorization_requests" json:"require_pushed_authorization_requests,omitzero"`
	RequireProofOfPossession           *bool       `yaml:"require_proof_of_possession" json:"require_proof_of_possession,omitzero"`
	ComplianceLevel                    *string     `yaml:"compliance_level" json:"compliance_level,omitzero"` // "none" or "fapi2_sp_pkj_dpop"
	OIDCLogout                         *OIDCLogout `yaml:"oidc_logout" json:"oidc_logout,omitzero"`
	TokenVault                         *TokenVault `yaml:"token_vault" json:"token_vault,omitzero"`
	Branding                           *Branding   `yaml:"branding" json:"branding,omitzero"`
}

// RefreshToken is how a client's refresh tokens live. Lifetimes are in seconds.
type RefreshToken struct {
	RotationType              *string `yaml:"rotation_type" json:"rotation_type,omitzero"`     // "rotating" or "non-rotating"
	ExpirationType            *string `yaml:"expiration_type" json:"expiration_type,omitzero"` // "expiring" or "non-expiring", which outdoes the lifetimes
	Leeway                    *int64  `yaml:"leeway" json:"leeway,omitzero"`                   // 0 to 300
	TokenLifetime             *int64  `yaml:"token_lifetime" json:"token_lifetime,omitzero"`
	IdleTokenLifetime         *int64  `yaml:"idle_token_lifetime" json:"idle_token_lifetime,omitzero"`
	InfiniteTokenLifetime     *bool   `yaml:"infinite_token_lifetime" json:"infinite_token_lifetime,omitzero"`           // outdoes TokenLifetime
	InfiniteIdleTokenLifetime *bool   `yaml:"infinite_idle_token_lifetime" json:"infinite_idle_token_lifetime,omitzero"` // outdoes IdleTokenLifetime
}

// JWTConfiguration is how a client's ID tokens are made.
type JWTConfiguration struct {
	Alg               *string `yaml:"alg" json:"alg,omitzero"`
	LifetimeInSeconds *int64  `yaml:"lifetime_in_seconds" json:"lifetime_in_seconds,omitzero"`
}

// OIDCLogout is where a client is told that a session has ended (OpenID Connect
// Back-Channel Logout 1.0).
type OIDCLogout struct {
	BackchannelLogoutURLs []string `yaml:"backchannel_logout_urls" json:"backchannel_logout_urls,omitzero"` // one at most
}

const (
	refreshLifetime = 2592000 * time.Second
	refreshIdle     = 1296000 * time.Second
	idTokenLifetime = 36000 * time.Second
	maxLifetime     = 157788000 // seconds; five years

	// If the answer to a refresh is lost, the client has but the old token to show
	// again. Without leeway that is taken for theft, and a network that hiccups
	// costs the user the sign-in.
	refreshLeeway = 30 * time.Second
	maxLeeway     = 300 // seconds
)

// Record is the stored client as it would become: what c does not mention stays
// as in old, or gets its default if old has no ID. A secret that is one of the
// stored ones changes nothing; another replaces them all, but for a previous one
// that is said to live on.
func (c Client) Record(old vault.Client) (vault.Client, error) {
	r := old
	if old.ID == "" {
		r = newClient(c)
	}
	set(&r.Name, c.Name)
	set(&r.Description, c.Description)
	set(&r.AppType, c.AppType)
	set(&r.FirstParty, c.IsFirstParty)
	set(&r.Conformant, c.OIDCConformant)
	set(&r.AuthMethod, c.TokenEndpointAuthMethod)
	set(&r.API, c.ResourceServerIdentifier)
	set(&r.RequirePAR, c.RequirePushedAuthorizationRequests)
	set(&r.RequireDPoP, c.RequireProofOfPossession)
	setList(&r.RedirectURIs, c.Callbacks)
	setList(&r.LogoutURIs, c.AllowedLogoutURLs)
	setList(&r.GrantTypes, c.GrantTypes)
	if c.WebOrigins != nil || c.AllowedOrigins != nil {
		r.Origins = union(c.WebOrigins, c.AllowedOrigins)
	}
	if c.ClientMetadata != nil {
		r.Metadata = c.ClientMetadata
	}
	for _, check := range []func(*vault.Client) error{
		c.checkShape, c.level, c.authentication, c.secret, c.RefreshToken.record, c.JWTConfiguration.record, c.OIDCLogout.record, c.TokenVault.record, c.Branding.record, checkFAPI,
	} {
		if err := check(&r); err != nil {
			return r, err
		}
	}
	return r, r.Validate()
}

// newClient is a client before its shape says anything but its kind.
func newClient(c Client) vault.Client {
	r := vault.Client{
		ID: c.ClientID, AppType: "regular_web", FirstParty: true,
		AuthMethod: "client_secret_post", GrantTypes: []string{"authorization_code", "refresh_token"},
		Rotate: true, RefreshLifetime: refreshLifetime, RefreshIdle: refreshIdle, RefreshLeeway: refreshLeeway,
	}
	if c.ComplianceLevel != nil && *c.ComplianceLevel == fapi2DPoP {
		r.IDTokenAlg = "PS256"
	}
	set(&r.AppType, c.AppType)
	switch r.AppType {
	case "spa", "native":
		r.AuthMethod = "none"
	case "non_interactive":
		r.GrantTypes = []string{"client_credentials"}
	case "resource_server": // stands for an API: what it may do is for its owner to say
		r.GrantTypes = nil
	}
	return r
}

var appTypes = []string{"regular_web", "spa", "native", "non_interactive", "resource_server"}

func (c Client) checkShape(r *vault.Client) error {
	if !slices.Contains(appTypes, r.AppType) {
		return &vault.Invalid{Field: "app_type", Problem: "should be one of " + strings.Join(appTypes, ", ")}
	}
	for i, s := range c.Callbacks {
		if strings.Contains(s, "*") {
			return &vault.Invalid{Field: at("callbacks", i), Problem: "has a wildcard, which no redirect URI would match: list each URL"}
		}
	}
	if err := checkOrigins("web_origins", c.WebOrigins); err != nil {
		return err
	}
	return checkOrigins("allowed_origins", c.AllowedOrigins)
}

func checkOrigins(field string, origins []string) error {
	for i, s := range origins {
		u, err := url.Parse(s)
		if err != nil || u.Host == "" || s != u.Scheme+"://"+u.Host || strings.Contains(s, "*") {
			return &vault.Invalid{Field: at(field, i), Problem: "should be an origin and no more, such as https://app.example.com"}
		}
	}
	return nil
}

// minSecret is how many characters a client's secret must have. It is kept as
// one SHA-256, so nothing but its entropy protects it.
const minSecret = 16

func (c Client) secret(r *vault.Client) error {
	none := r.Public() || r.AuthMethod == privateKeyJWT
	switch {
	case none && c.ClientSecret != nil && c.TokenEndpointAuthMethod == nil && !r.Public():
		return &vault.Invalid{Field: "client_secret", Problem: "is of no use to a client that authenticates with its keys: remove it, or say by token_endpoint_auth_method what the secret is for"}
	case none && c.ClientSecret != nil:
		return &vault.Invalid{Field: "client_secret", Problem: "is of no use to a client whose token_endpoint_auth_method is " + r.AuthMethod + ": remove one of the two"}
	case none:
		r.SecretHashes = nil
	case c.ClientSecret == nil:
	case utf8.RuneCountInString(c.ClientSecret.Reveal()) < minSecret:
		return &vault.Invalid{Field: "client_secret", Problem: fmt.Sprintf("is shorter than %d characters: make one with `openssl rand -hex 32`", minSecret)}
	default:
		if hash := vault.Hash(c.ClientSecret.Reveal()); !slices.Contains(r.SecretHashes, hash) {
			r.SecretHashes = []string{hash}
		}
	}
	return c.previousSecret(r)
}

// authenticates reports whether the shape says how the client authenticates.
func (c Client) authenticates() bool {
	return c.ClientSecret != nil || c.ClientSecretPrevious != nil || c.TokenEndpointAuthMethod != nil ||
		c.ClientAuthenticationMethods != nil || c.JWKS != nil || c.JWKSURI != nil || c.SignedRequestObject != nil
}

// previousSecret has a second secret live beside the first, while the client
// changes from one to the other.
func (c Client) previousSecret(r *vault.Client) error {
	const field = "client_secret_previous"
	switch {
	case c.ClientSecretPrevious == nil:
		return nil
	case len(r.SecretHashes) == 0:
		return &vault.Invalid{Field: field, Problem: "is of no use to a client that has no client_secret: remove it"}
	}
	current := r.SecretHashes[0]
	if c.ClientSecret != nil {
		current = vault.Hash(c.ClientSecret.Reveal())
	}
	previous := c.ClientSecretPrevious.Reveal()
	switch {
	case previous == "":
		r.SecretHashes = []string{current}
	case utf8.RuneCountInString(previous) < minSecret:
		return &vault.Invalid{Field: field, Problem: fmt.Sprintf("is shorter than %d characters, which no client_secret is", minSecret)}
	case vault.Hash(previous) == current:
		return &vault.Invalid{Field: field, Problem: "is the same as client_secret: write the new one there, and the old one here"}
	default:
		r.SecretHashes = []string{current, vault.Hash(previous)}
	}
	return nil
}

func (t *RefreshToken) record(r *vault.Client) error {
	if t == nil {
		return nil
	}
	if err := oneOf("refresh_token.rotation_type", t.RotationType, "rotating", "non-rotating"); err != nil {
		return err
	}
	if err := oneOf("refresh_token.expiration_type", t.ExpirationType, "expiring", "non-expiring"); err != nil {
		return err
	}
	if t.Leeway != nil {
		if *t.Leeway < 0 || *t.Leeway > maxLeeway {
			return &vault.Invalid{Field: "refresh_token.leeway", Problem: fmt.Sprintf("should be a number of seconds from 0 to %d", maxLeeway)}
		}
		r.RefreshLeeway = time.Duration(*t.Leeway) * time.Second
	}
	if t.RotationType != nil {
		r.Rotate = *t.RotationType == "rotating"
	}
	expiring := t.ExpirationType != nil && *t.ExpirationType == "expiring" && r.RefreshLifetime == 0 && r.RefreshIdle == 0
	for _, l := range []struct {
		field    string
		kept     *time.Duration
		seconds  *int64
		infinite *bool
		normal   time.Duration
	}{
		{"token_lifetime", &r.RefreshLifetime, t.TokenLifetime, t.InfiniteTokenLifetime, refreshLifetime},
		{"idle_token_lifetime", &r.RefreshIdle, t.IdleTokenLifetime, t.InfiniteIdleTokenLifetime, refreshIdle},
	} {
		if *l.kept == 0 && l.seconds == nil && (expiring && l.infinite == nil || l.infinite != nil && !*l.infinite) {
			*l.kept = l.normal
		}
		if err := lifetime("refresh_token."+l.field, l.kept, l.seconds); err != nil {
			return err
		}
		if l.infinite != nil && *l.infinite || t.ExpirationType != nil && *t.ExpirationType == "non-expiring" {
			*l.kept = 0
		}
	}
	return nil
}

func (j *JWTConfiguration) record(r *vault.Client) error {
	if j == nil {
		return nil
	}
	if err := algorithm("jwt_configuration.alg", &r.IDTokenAlg, j.Alg); err != nil {
		return err
	}
	return lifetime("jwt_configuration.lifetime_in_seconds", &r.IDTokenLifetime, j.LifetimeInSeconds)
}

func (o *OIDCLogout) record(r *vault.Client) error {
	if o == nil || o.BackchannelLogoutURLs == nil {
		return nil
	}
	r.BackchannelLogoutURI = ""
	for i, s := range o.BackchannelLogoutURLs {
		field := at("oidc_logout.backchannel_logout_urls", i)
		if i > 0 {
			return &vault.Invalid{Field: field, Problem: "is one too many: a client is told at one URL"}
		}
		if err := checkEndpoint(field, s); err != nil {
			return err
		}
		r.BackchannelLogoutURI = s
	}
	return nil
}

// ClientOf is the shape of a stored client. It holds no secret.
func ClientOf(r vault.Client) Client {
	expiration := "expiring"
	if r.RefreshLifetime == 0 && r.RefreshIdle == 0 {
		expiration = "non-expiring"
	}
	rotation := "non-rotating"
	if r.Rotate {
		rotation = "rotating"
	}
	idToken := r.IDTokenLifetime
	if idToken == 0 {
		idToken = idTokenLifetime
	}
	var logout *OIDCLogout
	if r.BackchannelLogoutURI != "" {
		logout = &OIDCLogout{[]string{r.BackchannelLogoutURI}}
	}
	var methods *ClientAuthenticationMethods
	signed := &SignedRequestObject{Required: &r.RequireSignedRequest}
	switch keys := credentialsOf(r); {
	case len(keys) > 0 && r.AuthMethod == privateKeyJWT:
		methods = &ClientAuthenticationMethods{&PrivateKeyJWT{keys}}
	default: // if it does not authenticate with its keys, it signs requests with them
		signed.Credentials = keys
	}
	return Client{
		ClientID: r.ID, Name: &r.Name, Description: given(r.Description), AppType: given(r.AppType),
		IsFirstParty: &r.FirstParty, OIDCConformant: &r.Conformant,
		Callbacks: givenList(r.RedirectURIs), AllowedLogoutURLs: givenList(r.LogoutURIs), WebOrigins: givenList(r.Origins),
		GrantTypes:              append([]string{}, r.GrantTypes...),
		TokenEndpointAuthMethod: &r.AuthMethod,
		RefreshToken: &RefreshToken{
			RotationType: &rotation, ExpirationType: &expiration,
			TokenLifetime: seconds(r.RefreshLifetime), IdleTokenLifetime: seconds(r.RefreshIdle), Leeway: new(int64(r.RefreshLeeway / time.Second)),
			InfiniteTokenLifetime: new(r.RefreshLifetime == 0), InfiniteIdleTokenLifetime: new(r.RefreshIdle == 0),
		},
		JWTConfiguration:         &JWTConfiguration{Alg: algorithmOf(r.IDTokenAlg), LifetimeInSeconds: seconds(idToken)},
		ResourceServerIdentifier: given(r.API),
		ClientMetadata:           r.Metadata,

		ClientAuthenticationMethods: methods, JWKSURI: given(r.JWKSURI), SignedRequestObject: signed,
		RequirePushedAuthorizationRequests: &r.RequirePAR, RequireProofOfPossession: &r.RequireDPoP,
		ComplianceLevel: levelOf(r), OIDCLogout: logout, TokenVault: tokenVaultOf(r), Branding: brandingOfClient(r),
	}
}
