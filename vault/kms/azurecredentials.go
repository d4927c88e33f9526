package kms

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// token is an access token of this process's identity for the vault, found as
// Azure's own libraries find it, in their order, but for a person's:
//
//   - by the secret of an application: AZURE_TENANT_ID, AZURE_CLIENT_ID and
//     AZURE_CLIENT_SECRET
//   - by workload identity: the token in AZURE_FEDERATED_TOKEN_FILE in place of a secret
//   - by the managed identity of an App Service or a Container App, at
//     IDENTITY_ENDPOINT, or of the machine, at its metadata service; with
//     AZURE_CLIENT_ID a user-assigned one
func (k azureKey) token(ctx context.Context) (string, error) {
	client, secret, file := os.Getenv("AZURE_CLIENT_ID"), os.Getenv("AZURE_CLIENT_SECRET"), os.Getenv("AZURE_FEDERATED_TOKEN_FILE")
	var req *http.Request
	var err error
	switch {
	case secret != "":
		req, err = k.tokenRequest(ctx, url.Values{"client_secret": {secret}})
	case file != "":
		var assertion []byte
		if assertion, err = os.ReadFile(file); err != nil {
			return "", fmt.Errorf("read AZURE_FEDERATED_TOKEN_FILE: %w", err)
		}
		req, err = k.tokenRequest(ctx, url.Values{"client_assertion": {strings.TrimSpace(string(assertion))},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}})
	default:
		req, err = k.managedIdentity(ctx, client)
	}
	if err != nil {
		return "", err
	}
	status, answer, err := send(req)
	if err != nil {
		if secret == "" && file == "" {
			err = fmt.Errorf("%w: give this machine a managed identity, or AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET", err)
		}
		return "", err
	}
	var said struct {
		AccessToken      string `json:"access_token"`
		Error            string `json:"error"`
		ErrorDescription string `json:"error_description"`
	}
	if err := json.Unmarshal(answer, &said); err != nil || status != http.StatusOK || said.AccessToken == "" {
		return "", fmt.Errorf("%s gives no token to the identity of this process (%d: %s %s): check AZURE_TENANT_ID and AZURE_CLIENT_ID, and that the machine has that identity, or the secret or the federated credential is current", req.URL.Host, status, said.Error, oneLine(said.ErrorDescription))
	}
	return said.AccessToken, nil
}

// tokenRequest asks Microsoft Entra ID by the client credentials grant
// (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow).
func (k azureKey) tokenRequest(ctx context.Context, proof url.Values) (*http.Request, error) {
	tenant, client := os.Getenv("AZURE_TENANT_ID"), os.Getenv("AZURE_CLIENT_ID")
	if tenant == "" || client == "" {
		return nil, errors.New("the credentials for Azure are not whole: give AZURE_TENANT_ID and AZURE_CLIENT_ID too")
	}
	authority := cmp.Or(os.Getenv("AZURE_AUTHORITY_HOST"), "https://login.microsoftonline.com")
	if err := checkEndpoint(authority); err != nil {
		return nil, err
	}
	proof.Set("grant_type", "client_credentials")
	proof.Set("client_id", client)
	proof.Set("scope", k.audience+"/.default")
	address := strings.TrimSuffix(authority, "/") + "/" + url.PathEscape(tenant) + "/oauth2/v2.0/token"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(proof.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req, nil
}

// managedIdentity asks the service that Azure runs beside this process
// (https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token,
// https://learn.microsoft.com/azure/app-service/overview-managed-identity).
func (k azureKey) managedIdentity(ctx context.Context, client string) (*http.Request, error) {
	query := url.Values{"resource": {k.audience}}
	if client != "" {
		query.Set("client_id", client)
	}
	address, name, value := os.Getenv("IDENTITY_ENDPOINT"), "X-Identity-Header", os.Getenv("IDENTITY_HEADER")
	if address != "" && value != "" {
		query.Set("api-version", "2019-08-01")
	} else {
		// The same variable as in Azure's libraries says another place.
		address = cmp.Or(os.Getenv("AZURE_POD_IDENTITY_AUTHORITY_HOST"), "http://169.254.169.254") + "/metadata/identity/oauth2/token"
		name, value = "Metadata", "true"
		query.Set("api-version", "2018-02-01")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set(name, value)
	return req, nil
}
