package interop

import (
	bin "encoding/binary"
	"encoding/json"
	"fmt"
	"go/build"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The program's clock cannot be set from outside without setting the machine's.
// So the campaign runs a build of the same program in which the standard library
// adds to what the machine's clock says what a file says, which is mapped into
// memory: the wall clock alone, as when somebody sets it. Timers and the
// monotonic clock go on as they did.

// clockVariable names the file: seconds, as 8 bytes, lowest first.
const clockVariable = "SALLYPORT_TEST_CLOCK"

// clockSource is added to package time.
const clockSource = `package time

import (
	"sync/atomic"
	"syscall"
	"unsafe"
)

var setAhead *int64

func init() {
	name, ok := syscall.Getenv("` + clockVariable + `")
	if !ok {
		return
	}
	fd, err := syscall.Open(name, syscall.O_RDONLY, 0)
	if err != nil {
		panic("open the clock: " + err.Error())
	}
	page, err := syscall.Mmap(fd, 0, 8, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		panic("map the clock: " + err.Error())
	}
	setAhead = (*int64)(unsafe.Pointer(&page[0]))
}

func settableNow() (sec int64, nsec int32, mono int64) {
	sec, nsec, mono = runtimeNow()
	if setAhead != nil {
		sec += atomic.LoadInt64(setAhead)
	}
	return sec, nsec, mono
}
`

// buildWithClock builds the program with a clock that can be set.
func buildWithClock(t *testing.T) (program string) {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(build.Default.GOROOT, "src", "time")
	original, err := os.ReadFile(filepath.Join(source, "time.go"))
	if err != nil {
		t.Fatal(err)
	}
	const asks = "sec, nsec, mono := runtimeNow()"
	start, rest, found := strings.Cut(string(original), "\nfunc Now() Time {")
	if !found || !strings.Contains(rest, asks) {
		t.Fatal("this version of Go asks for the time in another way: adapt torture_clock_test.go to " + source + "/time.go")
	}
	changed := start + "\nfunc Now() Time {" + strings.Replace(rest, asks, "sec, nsec, mono := settableNow()", 1)
	replace := map[string]string{}
	for name, text := range map[string]string{"time.go": changed, "settable.go": clockSource} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(source, name)] = file
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	program = filepath.Join(dir, "sallyport")
	compile := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", program, "./cmd/sallyport")
	compile.Dir = ".."
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("build with a clock that can be set: %v\n%s", err, out)
	}
	return program
}

// setClock sets the clock of an instance to be wrong by so much.
func (i *instance) setClock(by time.Duration) {
	f, err := os.OpenFile(i.clock, os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		_, err = f.WriteAt(bin.LittleEndian.AppendUint64(nil, uint64(int64(by/time.Second))), 0)
		f.Close()
	}
	if err != nil {
		i.site.t.Error(err)
	}
}

// clocks are torments of an instance's clock, which is wrong for a while, and
// then right again.
func clocks() (all []torment) {
	for _, by := range []time.Duration{4 * time.Minute, -4 * time.Minute, time.Hour, -time.Hour} {
		all = append(all, torment{fmt.Sprintf("clock set by %v, and back", by), func(s *site, random *rand.Rand) {
			i := s.instances[random.IntN(len(s.instances))]
			i.setting.Lock()
			defer i.setting.Unlock()
			i.setClock(by)
			time.Sleep(time.Second + rand.N(4*time.Second))
			i.setClock(0)
		}})
	}
	return all
}
