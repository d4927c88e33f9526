package server

import (
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/vault"
)

// Pace is how many requests a second are answered, lastingly, on one instance.
// Ten seconds' worth may come at once. Zero is without limit.
//
// Nobody can use up what is another's: an address is whoever sends, and a client
// or user is one who has shown credentials. Public clients have none, so that
// they are held to their users' addresses.
type Pace struct {
	Address int // of one address, or IPv6 network of 64 bits, that has shown no credentials
	Client  int // of one client with a secret or key, at the endpoints under /oauth
	User    int // for one user, at the exchange and at /userinfo
}

func perSecond(n int) budget { return budget{burst: 10 * n, every: time.Second / time.Duration(n)} }

// pace counts a request of somebody's, and finds fault with one too many.
func (s *Server) pace(who string, perSec int) (allowance, error) {
	if perSec == 0 {
		return allowance{}, nil
	}
	a := s.limits.take(who, perSecond(perSec))
	if a.wait > 0 {
		return a, a.refuse(nil, "There were too many requests. Wait as long as Retry-After says.")
	}
	return a, nil
}

// paceAndTell is [Server.pace], with headers that say how much is left.
func (s *Server) paceAndTell(c echo.Context, who string, perSec int) error {
	a, err := s.pace(who, perSec)
	if err == nil && perSec > 0 {
		a.tell(c.Response().Header(), s.Now())
	}
	return err
}

// paceClient holds a client to its pace, that was authenticated.
func (s *Server) paceClient(c echo.Context, client vault.Client) error {
	if client.Public() {
		return s.paceAddress(c)
	}
	return s.paceAndTell(c, "client "+client.ID, s.Pace.Client)
}

func (s *Server) paceAddress(c echo.Context) error {
	return s.paceAndTell(c, "address "+whence(c.RealIP()), s.Pace.Address)
}

// paceUser holds the exchanges for one user, by all clients, to their pace.
func (s *Server) paceUser(user string) error {
	_, err := s.pace("user "+user, s.Pace.User)
	return err
}

// paced is for what strangers can ask, that leaves something in the store.
func (s *Server) paced(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := s.paceAddress(c); err != nil {
			return err
		}
		return next(c)
	}
}
