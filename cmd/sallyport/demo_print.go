package main

import (
	"encoding/json"
	"io"
	"text/template"

	"sallyport/connections/simulator"
)

// printJSON prints one line for programs.
func (d *demo) printJSON(w io.Writer) error {
	type client struct {
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
		RedirectURI  string `json:"redirect_uri,omitempty"`
		Audience     string `json:"audience,omitempty"`
	}
	type user struct {
		Username string `json:"username"`
		Password string `json:"password"`
	}
	line := struct {
		Issuer     string `json:"issuer"`
		AdminURL   string `json:"admin_url"`
		Salesforce string `json:"salesforce"`
		App        string `json:"app"`
		Client     client `json:"client"`
		Management client `json:"management"`
		Users      []user `json:"users"`
	}{
		Issuer: d.issuer, AdminURL: d.console, Salesforce: d.salesforce, App: d.application + "/",
		Client:     client{ClientID: "sample-app", ClientSecret: d.clientSecret, RedirectURI: d.application + "/callback"},
		Management: client{ClientID: "management", ClientSecret: d.managementSecret, Audience: d.issuer + "api/v2/"},
	}
	for _, u := range simulator.DefaultUsers() {
		line.Users = append(line.Users, user{u.Username, u.Password})
	}
	return json.NewEncoder(w).Encode(line)
}

var demoText = template.Must(template.New("demo").Parse(`Sallyport demo is ready.

  Sample application     {{.App}}/     (open this one)
  Gateway                {{.Issuer}}
  Simulated Salesforce   {{.Salesforce}}

Become an administrator of it, by a link that is good once:

  {{.Console}}

Sign in to the application as
{{range .Users}}  {{printf "%-20s" .Username}} password {{.Password}}
{{end}}
After a sign-in, this exchanges the application's token for a Salesforce token:

  curl -s{{with .CA}} --cacert {{.}}{{end}} {{.Issuer}}oauth/token \
    -d grant_type=urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token \
    -d client_id=sample-app -d client_secret={{.Secret}} \
    -d subject_token="$(curl -s{{with .CA}} --cacert {{.}}{{end}} {{.App}}/curl-token)" \
    -d subject_token_type=urn:ietf:params:oauth:token-type:refresh_token \
    -d requested_token_type=http://auth0.com/oauth/token-type/federated-connection-access-token \
    -d connection=salesforce
{{with .CA}}
Tools trust the certificate with one of these:

  export NODE_EXTRA_CA_CERTS={{.}}
  export SSL_CERT_FILE={{.}}
{{end}}
Ctrl-C stops it, and everything is gone.
`))

// print prints what people need.
func (d *demo) print(w io.Writer) error {
	data := map[string]any{"App": d.application, "Issuer": d.issuer, "Salesforce": d.salesforce, "Users": simulator.DefaultUsers(), "Secret": d.clientSecret, "Console": d.console}
	if d.tls != nil {
		data["CA"] = d.tls.authority
	}
	return demoText.Execute(w, data)
}
