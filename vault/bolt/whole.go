package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
)

// checkWhole finds fault with a file that is shorter than it says: bbolt maps
// its file, and the operating system kills whoever reads beyond the end of one.
// It tells whether the file lists its free pages.
//
// A file begins with two meta pages, of which the newer good one counts. After
// a header of 16 bytes each has, at these offsets, in the machine's byte order:
//
//	0 magic, 8 page size (4 bytes each)
//	32 page of the list of free ones, 40 pages in use, 48 transaction (8 bytes each)
func checkWhole(path string) (listed bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("open the store: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return true, err
	}
	const magic, headerSize, metaSize = 0xED0CDAED, 16, 64
	var free, pages, newest, pageSize uint64
	for _, at := range []int64{0, int64(os.Getpagesize())} {
		var meta [metaSize]byte
		if _, err := f.ReadAt(meta[:], at+headerSize); err != nil || binary.NativeEndian.Uint32(meta[:]) != magic {
			continue // bbolt says what is wrong with it
		}
		if tx := binary.NativeEndian.Uint64(meta[48:]); tx >= newest {
			free, pages, newest = binary.NativeEndian.Uint64(meta[32:]), binary.NativeEndian.Uint64(meta[40:]), tx
			pageSize = uint64(binary.NativeEndian.Uint32(meta[8:]))
		}
	}
	if size := uint64(info.Size()); pageSize > 0 && pages > size/pageSize {
		return false, fmt.Errorf("%s is cut short: it should have at least %d bytes and has %d; restore a backup", path, pages*pageSize, size)
	}
	return free != math.MaxUint64, nil
}
