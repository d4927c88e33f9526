package main

import (
	"fmt"
	"net"
	"net/http"

	"sallyport/connections/simulator"
)

// upstream is what the gateway finds upstream. It runs in the process that sends
// the load, so that the gateway's core has nothing to do with it.
type upstream struct {
	salesforce *simulator.Salesforce
	url        string // of the simulated Salesforce
	refresher  string // URL of a token endpoint whose tokens are good for no time
}

// people is how many have an account at Salesforce, to sign in with.
const (
	people   = 200
	password = "the password of everybody"
)

func username(i int) string { return fmt.Sprintf("user%d@example.com", i) }

func startUpstream() (*upstream, error) {
	u := &upstream{salesforce: &simulator.Salesforce{}}
	for i := range people {
		u.salesforce.Users = append(u.salesforce.Users, simulator.User{Username: username(i), Password: password})
	}
	u.salesforce.Warm()
	var err error
	if u.url, err = serve(u.salesforce); err != nil {
		return nil, err
	}
	u.refresher, err = serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"access_token":"that-soon-expires","token_type":"Bearer","expires_in":5}`)
	}))
	return u, err
}

// admit lets the gateway with an address sign users in at Salesforce.
func (u *upstream) admit(address string) {
	u.salesforce.Set(func() {
		u.salesforce.Apps = []simulator.App{{
			Name: "Gateway", ConsumerKey: "consumer-key", ConsumerSecret: "consumer-secret", Callbacks: []string{"http://" + address + "/login/callback"},
		}}
	})
}

func serve(h http.Handler) (url string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go http.Serve(l, h)
	return "http://" + l.Addr().String(), nil
}
