package server

import (
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/time/rate"

	"sallyport/server/oidc"
)

// budget is how often somebody may do something: so often at once, and then
// again after a time for each.
type budget struct {
	burst int
	every time.Duration
}

var (
	// perClient is of wrong credentials of one client from one address, so that
	// nobody can lock a client out from elsewhere.
	perClient = budget{10, 6 * time.Second}
	// perAddress is of wrong credentials of all clients.
	perAddress = budget{100, time.Second}
	// perSecondFactor is of wrong one-time passwords beside an administrator's right
	// password, from all addresses: whoever tries them knows the password.
	perSecondFactor = budget{5, 2 * time.Minute}
)

// mostBuckets bounds the memory that strangers can make the gateway use.
const mostBuckets = 50_000

// limits remember who did something how often of late, on this instance.
type limits struct {
	now     func() time.Time
	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

func (l *limits) bucket(key string, b budget) *rate.Limiter {
	if l.buckets == nil {
		l.buckets = map[string]*rate.Limiter{}
	}
	found, ok := l.buckets[key]
	if !ok {
		if len(l.buckets) >= mostBuckets {
			l.forget()
		}
		found = rate.NewLimiter(rate.Every(b.every), b.burst)
		l.buckets[key] = found
	}
	return found
}

// forget makes room: first of those who did nothing for a while, and if that is
// not much, of all: it must not be made in vain over and over.
func (l *limits) forget() {
	now := l.now()
	for key, b := range l.buckets {
		if b.TokensAt(now) >= float64(b.Burst()) {
			delete(l.buckets, key)
		}
	}
	if len(l.buckets) > mostBuckets*9/10 {
		clear(l.buckets)
	}
}

// take counts one, and returns how long to wait if there were too many.
func (l *limits) take(key string, b budget) allowance {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket, now := l.bucket(key, b), l.now()
	ok := bucket.AllowN(now, 1)
	left := bucket.TokensAt(now)
	a := allowance{limit: b.burst, left: max(0, int(left)), whole: time.Duration((float64(b.burst) - left) * float64(b.every))}
	if !ok {
		a.wait = time.Duration((1 - left) * float64(b.every))
	}
	return a
}

// wait returns how long somebody is to wait who failed too often.
func (l *limits) wait(key string, b budget) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Duration((1 - l.bucket(key, b).TokensAt(l.now())) * float64(b.every))
}

// allowance is what is left of a budget.
type allowance struct {
	limit, left int
	whole       time.Duration // until nothing of it is used
	wait        time.Duration // until one more is allowed; zero if one was
}

// tell sets Auth0's headers, which its SDKs wait by: X-RateLimit-Limit and so on,
// spelled as they are sent, since no other spelling is as quick to set.
func (a allowance) tell(h http.Header, now time.Time) {
	reset := a.whole
	if a.wait > 0 {
		reset = a.wait
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(a.wait.Seconds()))))
	}
	h.Set("X-Ratelimit-Limit", strconv.Itoa(a.limit))
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(a.left))
	h.Set("X-Ratelimit-Reset", strconv.FormatInt(int64(math.Ceil(float64(now.Add(reset).UnixMilli())/1000)), 10))
}

// exhausted is why somebody is told to wait.
type exhausted struct {
	allowance
	why error // what went wrong before that, or nil
}

func (e *exhausted) Error() string { return "the limit is used up" }
func (e *exhausted) Unwrap() error { return e.why }

func (a allowance) refuse(why error, description string) *oidc.Error {
	return &oidc.Error{Code: oidc.TooManyRequests, Err: &exhausted{a, why}, Description: description, Words: "problem.too-many"}
}

// whence is whose an address is: of IPv6, a network of 64 bits is given to one
// site, which could fail from another of its addresses each time.
func whence(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Unmap().Is4() {
		return address
	}
	network, _ := ip.Prefix(64) // fails for no IPv6 address
	return network.String()
}

// limited runs what a stranger may try, authenticating as somebody. Who fails
// too often is told to wait, and no more about why. Whoever has the right
// credentials is never made to wait for the failures of others: secrets are too
// long to be guessed, and a lock-out would be a way to harm.
func (s *Server) limited(c echo.Context, who string, try func() error) error {
	err := try()
	if err == nil || answerTo(err).Status() >= http.StatusInternalServerError {
		return err
	}
	address := "failures of address " + whence(c.RealIP())
	for key, b := range map[string]budget{address: perAddress, address + " client " + who: perClient} {
		if a := s.limits.take(key, b); a.wait > 0 {
			err = a.refuse(err, "Too many failed attempts from this address. Wait as long as Retry-After says.")
		}
	}
	return err
}

// guessed is [Server.limited] for what could be guessed, such as a password: who
// has failed too often does not get to try.
func (s *Server) guessed(c echo.Context, who string, try func() error) error {
	address := "failures of address " + whence(c.RealIP())
	for key, b := range map[string]budget{address: perAddress, address + " client " + who: perClient} {
		if wait := s.limits.wait(key, b); wait > 0 {
			return allowance{limit: b.burst, wait: wait}.refuse(nil, "Too many failed attempts from this address. Wait as long as Retry-After says.")
		}
	}
	return s.limited(c, who, try)
}

// secondFactor reports whether try, which is of a one-time password, succeeds. After
// too many failures of an administrator's it is not tried for a while.
func (s *Server) secondFactor(admin string, try func() bool) bool {
	key := "one-time passwords of " + admin
	if s.limits.wait(key, perSecondFactor) > 0 {
		return false
	}
	good := try()
	if !good {
		s.limits.take(key, perSecondFactor)
	}
	return good
}
