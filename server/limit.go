package server

import (
	"hash/maphash"
	"maps"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/server/oidc"
)

// budget is how often somebody may do something: so often at once, and then
// again after a time for each.
type budget struct {
	burst int
	every time.Duration
}

// all is the whole of a budget, as the time in which it is there again.
func (b budget) all() time.Duration { return time.Duration(b.burst) * b.every }

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

const (
	mostRemembered = 50_000 // bounds the memory that strangers can make the gateway use
	fewRemembered  = 1000   // are not worth looking through
)

// limits remember who did something how often of late, on this instance. Of each
// it is one time: when all of the budget will be there again (the generic cell
// rate algorithm, ITU-T I.371). Whose time has come need not be remembered. They
// are plain numbers, so that tens of thousands are nothing to the garbage
// collector.
type limits struct {
	now func() time.Time

	mu    sync.Mutex
	seed  maphash.Seed
	whole map[uint64]int64 // Unix nanoseconds, by a hash of who it is
	most  int              // of them, before some are forgotten
}

// used is how much of a budget somebody has used, as the time until none of it is,
// and under what that is remembered.
func (l *limits) used(key string, b budget) (used time.Duration, now int64, hash uint64) {
	if l.whole == nil {
		l.seed, l.whole, l.most = maphash.MakeSeed(), map[uint64]int64{}, fewRemembered
	}
	now, hash = l.now().UnixNano(), maphash.String(l.seed, key)
	used = time.Duration(max(0, l.whole[hash]-now))
	return min(used, b.all()), now, hash // more if the clock was set back
}

// forget makes room: of those who have used nothing, and if that is not much, of
// all: it must not be made in vain over and over.
func (l *limits) forget(now int64) {
	maps.DeleteFunc(l.whole, func(_ uint64, whole int64) bool { return whole <= now })
	if len(l.whole) > mostRemembered*9/10 {
		clear(l.whole)
	}
	l.most = min(max(2*len(l.whole), fewRemembered), mostRemembered)
}

// take counts one, and returns how long to wait if there were too many.
func (l *limits) take(key string, b budget) allowance {
	l.mu.Lock()
	defer l.mu.Unlock()
	used, now, hash := l.used(key, b)
	a := allowance{limit: b.burst}
	if a.wait = max(0, used+b.every-b.all()); a.wait == 0 {
		if used += b.every; len(l.whole) >= l.most {
			l.forget(now)
		}
	}
	l.whole[hash] = now + int64(used)
	a.left, a.whole = int((b.all()-used)/max(b.every, 1)), used
	return a
}

// wait returns how long somebody is to wait who failed too often.
func (l *limits) wait(key string, b budget) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	used, _, _ := l.used(key, b)
	return used + b.every - b.all()
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
