package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"sallyport/cmd/sallyport/sample"
	"sallyport/connections"
	"sallyport/connections/simulator"
	"sallyport/server"
	"sallyport/server/admin"
	"sallyport/server/api"
	"sallyport/vault"
	"sallyport/vault/bolt"
)

//go:embed demo.yaml
var demoTenant []byte

func demoCommand() *cobra.Command {
	var listen, tlsDir string
	var asJSON bool
	c := &cobra.Command{Use: "demo", Short: "Run the gateway, a simulated Salesforce and a sample application", Args: cobra.NoArgs,
		Long: `Run the gateway, a simulated Salesforce and a sample application in one process.
What they keep is in a temporary folder that goes with them.`,
		RunE: does(func(cmd *cobra.Command, _ []string) (err error) {
			dir, err := os.MkdirTemp("", "sallyport-demo-")
			if err != nil {
				return fmt.Errorf("make a folder for the demo: %w", err)
			}
			defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
			d, err := newDemo(listen, tlsDir)
			if err != nil {
				return err
			}
			return d.run(cmd.Context(), dir, func() error {
				if asJSON {
					return d.printJSON(cmd.OutOrStdout())
				}
				return d.print(cmd.OutOrStdout())
			})
		})}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "address of the gateway; Salesforce and the application take the next two ports, and port 0 takes any three")
	c.Flags().StringVar(&tlsDir, "tls", "", "serve the gateway and the application with https, by a certificate of an authority made in this folder, or found there")
	c.Flags().BoolVar(&asJSON, "json", false, "print one line of JSON when ready")
	return c
}

// demo is what a demonstration is made of.
type demo struct {
	listeners                       [3]net.Listener // gateway, Salesforce, application
	also                            [3]net.Listener // the same ports of the other loopback address; nil where that is not to be had
	tls                             *localTLS       // nil means plain http
	issuer, salesforce, application string
	console                         string // one-time link
	consumerSecret                  string
	clientSecret, managementSecret  string
}

func newDemo(listen, tlsDir string) (*demo, error) {
	d := &demo{consumerSecret: rand.Text(), clientSecret: rand.Text(), managementSecret: rand.Text()}
	host, port, err := net.SplitHostPort(listen)
	number, err2 := strconv.Atoi(port)
	if err != nil || err2 != nil || number < 0 || number > 65533 {
		return nil, &wrongUsage{"--listen should be an address and a port, such as 127.0.0.1:8080, and is " + listen}
	}
	if !loopback(host) {
		return nil, &wrongUsage{"--listen should be an address of this machine alone, such as 127.0.0.1:8080: the demo tells its passwords to everybody"}
	}
	scheme := "http"
	if tlsDir != "" {
		if d.tls, err = newLocalTLS(tlsDir); err != nil {
			return nil, fmt.Errorf("--tls: %w", err)
		}
		scheme = "https"
	}
	for i := range d.listeners {
		at := 0
		if number > 0 {
			at = number + i
		}
		if d.listeners[i], err = net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(at))); err != nil {
			return nil, fmt.Errorf("listen: %w (choose other ports with --listen 127.0.0.1:0)", err)
		}
		// localhost is either address, by the taste of whoever looks it up.
		if host == "127.0.0.1" {
			_, port, _ := net.SplitHostPort(d.listeners[i].Addr().String())
			d.also[i], _ = net.Listen("tcp", net.JoinHostPort("::1", port))
		}
	}
	d.issuer = scheme + "://" + localhost(d.listeners[0].Addr()) + "/"
	d.salesforce = "http://" + localhost(d.listeners[1].Addr())
	d.application = scheme + "://" + localhost(d.listeners[2].Addr())
	return d, nil
}

// consumerKey is shaped as Salesforce's are.
const consumerKey = "3MVG9.sallyport.demo.external.client.app"

// run runs the three until ctx ends, and calls ready once they answer.
func (d *demo) run(ctx context.Context, dir string, ready func() error) (err error) {
	log := quiet()
	sf := &simulator.Salesforce{URL: d.salesforce, ShowCredentials: true, Log: log, Apps: []simulator.App{{
		Name: "Sallyport", ConsumerKey: consumerKey, ConsumerSecret: d.consumerSecret, RequirePKCE: true,
		Callbacks: []string{d.issuer + "login/callback"}, LogoutURLs: []string{d.application + "/"},
	}}}
	sf.Warm()
	v, err := d.openVault(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	loopbacks := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	gateway, err := server.New(ctx, server.Config{Issuer: d.issuer, Vault: v, HTTP: connections.NewHTTPClient(loopbacks), Log: log, Version: version})
	if err != nil {
		return err
	}
	if d.console, err = admin.Invite(ctx, v, d.issuer, vault.AdminInvite{Role: vault.Owner, By: "the demo"}, vault.Event{}); err != nil {
		return err
	}
	app := &sample.App{
		Issuer: d.issuer, ClientID: "sample-app", ClientSecret: d.clientSecret, URL: d.application, Connection: "salesforce", DemoToken: true,
	}
	cert, key := "", ""
	if d.tls != nil {
		cert, key, app.HTTP = d.tls.cert, d.tls.key, d.tls.client()
	}
	run := runner{log: log}
	defer run.stop()
	for i, h := range []http.Handler{gateway, sf, app} {
		for _, l := range []net.Listener{d.listeners[i], d.also[i]} {
			switch {
			case l == nil:
			case i == 1:
				run.serve(l, h, "", "")
			default:
				run.serve(l, h, cert, key)
			}
		}
	}
	run.work(ctx, gateway.Work)
	if err := ready(); err != nil {
		return err
	}
	return run.wait(ctx)
}

// openVault makes a vault with the demo's tenant in it, the way an operator
// would: from a tenant file.
func (d *demo) openVault(ctx context.Context, dir string) (*vault.Vault, error) {
	values := map[string]string{
		"DEMO_ISSUER": d.issuer, "DEMO_SALESFORCE": d.salesforce, "DEMO_APP": d.application,
		"DEMO_CONSUMER_KEY": consumerKey, "DEMO_CONSUMER_SECRET": d.consumerSecret,
		"DEMO_APP_SECRET": d.clientSecret, "DEMO_MANAGEMENT_SECRET": d.managementSecret,
	}
	t, err := api.Parse("demo.yaml", demoTenant, func(name string) (string, bool) { s, ok := values[name]; return s, ok })
	if err != nil {
		return nil, err
	}
	store, err := bolt.Open(filepath.Join(dir, "sallyport.db"))
	if err != nil {
		return nil, err
	}
	v, err := vault.Open(ctx, store, vault.NewKey())
	if err == nil {
		_, err = applyTenant(ctx, v, t)
	}
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return v, nil
}
