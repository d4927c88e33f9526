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

// budget is how often somebody may fail: so often at once, and then again after
// a time for each.
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
)

// mostBuckets bounds the memory that strangers can make the gateway use.
const mostBuckets = 50_000

// limits remember who failed how often of late, on this instance.
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

// forget makes room: first of those who have not failed for a while, and if all
// have, of all.
func (l *limits) forget() {
	now := l.now()
	for key, b := range l.buckets {
		if b.TokensAt(now) >= float64(b.Burst()) {
			delete(l.buckets, key)
		}
	}
	if len(l.buckets) >= mostBuckets {
		clear(l.buckets)
	}
}

// fail counts a failure, and returns how long to wait if there were too many.
func (l *limits) fail(key string, b budget) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket, now := l.bucket(key, b), l.now()
	if bucket.AllowN(now, 1) {
		return 0
	}
	return time.Duration((1 - bucket.TokensAt(now)) * float64(b.every))
}

// wait returns how long somebody is to wait who failed too often.
func (l *limits) wait(key string, b budget) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Duration((1 - l.bucket(key, b).TokensAt(l.now())) * float64(b.every))
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
// too often is told to wait, in Auth0's headers, and no more about why. Whoever
// has the right credentials is never made to wait for the failures of others:
// secrets are too long to be guessed, and a lock-out would be a way to harm.
func (s *Server) limited(c echo.Context, who string, try func() error) error {
	err := try()
	if err == nil || answerTo(err).Status() >= http.StatusInternalServerError {
		return err
	}
	address := "address " + whence(c.RealIP())
	for key, b := range map[string]budget{address: perAddress, address + " client " + who: perClient} {
		wait := s.limits.fail(key, b)
		if wait == 0 {
			continue
		}
		h := c.Response().Header()
		h.Set("X-RateLimit-Limit", strconv.Itoa(b.burst))
		h.Set("X-RateLimit-Remaining", "0")
		h.Set("X-RateLimit-Reset", strconv.FormatInt(s.Now().Add(wait).Unix(), 10))
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		err = &oidc.Error{Code: "too_many_requests", HTTPStatus: http.StatusTooManyRequests, Err: err,
			Description: "Too many failed attempts from this address. Wait as long as Retry-After says."}
	}
	return err
}
