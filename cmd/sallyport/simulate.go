package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"sallyport/connections/simulator"
)

func simulateCommand() *cobra.Command {
	return group("simulate", "Run a simulated identity provider", simulateSalesforceCommand())
}

func simulateSalesforceCommand() *cobra.Command {
	var listen, baseURL, certificate string
	var noPKCE bool
	app := simulator.App{Name: "External client app"}
	s := settings{log: "info", logFormat: "text"}
	c := &cobra.Command{Use: "salesforce", Short: "Run a simulated Salesforce org", Args: cobra.NoArgs,
		Long: `Run a simulated Salesforce org with one external client app and two users, for
tests and demonstrations. It keeps everything in memory, and is as unkind as the
real one: refresh tokens rotate, and a spent one kills its family.`,
		RunE: does(func(cmd *cobra.Command, _ []string) error {
			log, err := s.logger()
			if err != nil {
				return err
			}
			app.RequirePKCE = !noPKCE
			if certificate != "" {
				if app.Certificate, err = readCertificate(certificate); err != nil {
					return err
				}
			}
			l, err := net.Listen("tcp", listen)
			if err != nil {
				return fmt.Errorf("listen: %w", err)
			}
			if baseURL == "" {
				baseURL = "http://" + localhost(l.Addr())
			}
			sf := &simulator.Salesforce{URL: strings.TrimSuffix(baseURL, "/"), Apps: []simulator.App{app}, ShowCredentials: true, Log: log}
			sf.Warm()
			run := runner{log: log}
			defer run.stop()
			run.serve(l, sf, "", "")
			fmt.Fprintf(cmd.OutOrStdout(), "Simulated Salesforce at %s, consumer key %s, callback %s\n", sf.URL, app.ConsumerKey, strings.Join(app.Callbacks, ", "))
			for _, u := range simulator.DefaultUsers() {
				fmt.Fprintf(cmd.OutOrStdout(), "User %s, password %s\n", u.Username, u.Password)
			}
			return run.wait(cmd.Context())
		})}
	f := c.Flags()
	f.StringVar(&listen, "listen", "127.0.0.1:8081", "address to listen on")
	f.StringVar(&baseURL, "url", "", "URL it is reached under, if not by the address it listens on")
	f.StringVar(&app.ConsumerKey, "consumer-key", "simulated-consumer-key", "consumer key of the app")
	f.StringVar(&app.ConsumerSecret, "consumer-secret", "simulated-consumer-secret", "consumer secret of the app")
	f.StringSliceVar(&app.Callbacks, "callback", []string{"http://localhost:8080/login/callback"}, "callback URLs of the app")
	f.StringSliceVar(&app.LogoutURLs, "logout-url", nil, "URLs to which the app may send users after they sign out")
	f.BoolVar(&app.JWTAccessTokens, "jwt", false, "issue access tokens that are JWTs")
	f.BoolVar(&app.NoRotation, "no-rotation", false, "leave refresh tokens as they are when they are used")
	f.BoolVar(&noPKCE, "no-pkce", false, "take authorization requests without PKCE")
	f.BoolVar(&app.Connected, "connected-app", false, "be a connected app, as they were before external client apps")
	f.StringVar(&certificate, "certificate", "", "file of the certificate, in PEM, whose key signs the app's assertions (JWT and SAML bearer)")
	f.BoolVar(&app.Preauthorized, "preauthorized", false, "have admin approved users, who are not asked for consent")
	f.StringVar(&app.RunAs, "run-as", "", "user that client credentials act as; without, they are not allowed")
	logFlags(f, &s)
	return c
}

// readCertificate reads a certificate's file.
func readCertificate(file string) (*x509.Certificate, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("%s is no certificate in PEM: it should have a line -----BEGIN CERTIFICATE-----", file)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return cert, nil
}

// localhost is an address with the name under which browsers reach it here.
func localhost(a net.Addr) string {
	_, port, _ := net.SplitHostPort(a.String())
	return net.JoinHostPort("localhost", port)
}

// quiet logs warnings and errors for people.
func quiet() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}
