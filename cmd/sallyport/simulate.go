package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
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
	sim := simulation{app: simulator.App{Name: "External client app"}}
	c := &cobra.Command{Use: "salesforce", Short: "Run a simulated Salesforce org", Args: cobra.NoArgs,
		Long: `Run a simulated Salesforce org with one external client app and two users, for
tests and demonstrations. It keeps everything in memory, and is as unkind as the
real one: refresh tokens rotate, and a spent one kills its family.

With --fault it goes wrong, too; with --admin-listen faults can be made to happen
while it runs:

  curl -X POST http://127.0.0.1:8091/faults/maintenance?times=3
  curl http://127.0.0.1:8091/journal

Faults that --fault names begin at once, or happen to the next request they are
about; those marked * happen when the first authorization has brought tokens.

` + faultList(),
		RunE: does(func(cmd *cobra.Command, _ []string) error { return sim.run(cmd) })}
	f := c.Flags()
	f.StringVar(&sim.listen, "listen", "127.0.0.1:8081", "address to listen on")
	f.StringVar(&sim.adminListen, "admin-listen", "", "address for making faults happen and for reading what was asked; it asks nobody who they are")
	f.StringVar(&sim.url, "url", "", "URL it is reached under, if not by the address it listens on")
	f.StringSliceVar(&sim.faults, "fault", nil, "faults by name, with commas or one by one")
	f.StringSliceVar(&sim.orgs, "org", nil, "further orgs by My Domain, such as acme, or acme--uat for a sandbox")
	f.StringVar(&sim.app.ConsumerKey, "consumer-key", "simulated-consumer-key", "consumer key of the app")
	f.StringVar(&sim.app.ConsumerSecret, "consumer-secret", "simulated-consumer-secret", "consumer secret of the app")
	f.StringSliceVar(&sim.app.Callbacks, "callback", []string{"http://localhost:8080/login/callback"}, "callback URLs of the app")
	f.StringSliceVar(&sim.app.LogoutURLs, "logout-url", nil, "URLs to which the app may send users after they sign out")
	f.BoolVar(&sim.app.JWTAccessTokens, "jwt", false, "issue access tokens that are JWTs")
	f.BoolVar(&sim.app.NoRotation, "no-rotation", false, "leave refresh tokens as they are when they are used")
	f.BoolVar(&sim.noPKCE, "no-pkce", false, "take authorization requests without PKCE")
	f.BoolVar(&sim.app.Connected, "connected-app", false, "be a connected app, as they were before external client apps")
	f.StringVar(&sim.certificate, "certificate", "", "file of the certificate, in PEM, whose key signs the app's assertions (JWT and SAML bearer)")
	f.BoolVar(&sim.app.Preauthorized, "preauthorized", false, "have admin approved users, who are not asked for consent")
	f.StringVar(&sim.app.RunAs, "run-as", "", "user that client credentials act as; without, they are not allowed")
	f.IntVar(&sim.keyBits, "key-bits", 2048, "size of the signing keys; Salesforce's have 4096")
	sim.settings = settings{log: "info", logFormat: "text"}
	logFlags(f, &sim.settings)
	return c
}

// simulation is what the command was asked for.
type simulation struct {
	app                      simulator.App
	listen, adminListen, url string
	certificate              string
	faults, orgs             []string
	keyBits                  int
	noPKCE                   bool
	settings                 settings
}

func (sim *simulation) run(cmd *cobra.Command) error {
	log, err := sim.settings.logger()
	if err != nil {
		return err
	}
	if sim.keyBits != 2048 && sim.keyBits != 4096 {
		return &wrongUsage{fmt.Sprintf("--key-bits should be 2048 or 4096, and is %d", sim.keyBits)}
	}
	sim.app.RequirePKCE = !sim.noPKCE
	if sim.certificate != "" {
		if sim.app.Certificate, err = readCertificate(sim.certificate); err != nil {
			return err
		}
	}
	sf := &simulator.Salesforce{Apps: []simulator.App{sim.app}, KeyBits: sim.keyBits, ShowCredentials: true, Log: log}
	if sf.Orgs, err = furtherOrgs(sim.orgs); err != nil {
		return err
	}
	for _, name := range sim.faults {
		if err := sf.TriggerLater(name, simulator.Target{}); err != nil {
			return &wrongUsage{"--fault: " + err.Error()}
		}
	}
	l, err := net.Listen("tcp", sim.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	sf.URL = strings.TrimSuffix(sim.url, "/")
	if sf.URL == "" {
		sf.URL = "http://" + localhost(l.Addr())
	}
	sf.Warm()
	run := runner{log: log}
	defer run.stop()
	run.serve(l, sf, "", "")
	if sim.adminListen != "" {
		if err := run.listen(sim.adminListen, sf.Admin(), "", ""); err != nil {
			return fmt.Errorf("listen for the administrator: %w", err)
		}
	}
	sim.print(cmd.OutOrStdout(), sf)
	return run.wait(cmd.Context())
}

// print tells people what runs where, and who can sign in.
func (sim *simulation) print(w io.Writer, sf *simulator.Salesforce) {
	fmt.Fprintf(w, "Simulated Salesforce at %s, consumer key %s, callback %s\n", sf.URL, sim.app.ConsumerKey, strings.Join(sim.app.Callbacks, ", "))
	printUsers(w, simulator.DefaultUsers())
	for _, o := range sf.Orgs {
		login := "login.salesforce"
		if o.Sandbox {
			login = "test.salesforce"
		}
		fmt.Fprintf(w, "Org %s: My Domain %s/h/%s, login host %s/h/%s, site %s/h/%s.site/%s\n", o.MyDomain, sf.URL, o.MyDomain, sf.URL, login, sf.URL, o.MyDomain, o.Sites[0].Path)
		printUsers(w, o.Users)
	}
}

func printUsers(w io.Writer, users []simulator.User) {
	for _, u := range users {
		fmt.Fprintf(w, "User %s, password %s\n", u.Username, u.Password)
	}
}

// furtherOrgs are orgs with the usual users, whose names end in the org's, as
// those of sandboxes do.
func furtherOrgs(names []string) ([]simulator.Org, error) {
	var orgs []simulator.Org
	for _, name := range names {
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || name == "" {
			return nil, &wrongUsage{fmt.Sprintf("--org should be the name of a My Domain, such as acme, and is %q", name)}
		}
		org := simulator.Org{MyDomain: name, Name: name, Sandbox: strings.Contains(name, "--"), Sites: []simulator.Site{{Path: "partners"}}}
		for _, u := range simulator.DefaultUsers() {
			u.ID = ""
			u.Username += "." + name
			org.Users = append(org.Users, u)
		}
		orgs = append(orgs, org)
	}
	return orgs, nil
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

// faultList names the faults, each with what it does.
func faultList() string {
	var b strings.Builder
	b.WriteString("Faults:\n")
	for _, f := range simulator.Faults() {
		late := " "
		if f.Late {
			late = "*"
		}
		fmt.Fprintf(&b, "  %-21s%s %s\n", f.Name, late, f.Does)
	}
	return strings.TrimSuffix(b.String(), "\n")
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
