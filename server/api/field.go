package api

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"sallyport/vault"
)

// set keeps a field that the shape mentions.
func set[T any](field, to *T) {
	if to != nil {
		*field = *to
	}
}

func setList(field *[]string, to []string) {
	if to != nil {
		*field = slices.Clone(to)
	}
}

// given is a field to show, or nil if there is nothing to.
func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func givenList(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return list
}

// seconds is a lifetime to show, or nil if it is for ever.
func seconds(d time.Duration) *int64 {
	if d == 0 {
		return nil
	}
	return new(int64(d / time.Second))
}

// lifetime keeps a number of seconds.
func lifetime(field string, kept *time.Duration, seconds *int64) error {
	if seconds == nil {
		return nil
	}
	if *seconds < 1 || *seconds > maxLifetime {
		return &vault.Invalid{Field: field, Problem: fmt.Sprintf("should be a number of seconds from 1 to %d", maxLifetime)}
	}
	*kept = time.Duration(*seconds) * time.Second
	return nil
}

func oneOf(field string, value *string, values ...string) error {
	if value != nil && !slices.Contains(values, *value) {
		return &vault.Invalid{Field: field, Problem: "should be " + or(values)}
	}
	return nil
}

// or lists what something may be.
func or(values []string) string {
	last := len(values) - 1
	if last < 1 {
		return strings.Join(values, "")
	}
	return strings.Join(values[:last], ", ") + " or " + values[last]
}

// algorithm keeps what tokens are signed with, the default as "".
func algorithm(field string, kept, alg *string) error {
	if err := oneOf(field, alg, algs...); err != nil || alg == nil {
		return err
	}
	*kept = *alg
	if *alg == algs[0] {
		*kept = ""
	}
	return nil
}

// algorithmOf is an algorithm to show.
func algorithmOf(kept string) *string { return new(cmp.Or(kept, algs[0])) }

// union joins lists, without what stands in them twice.
func union(lists ...[]string) []string {
	var all []string
	for _, s := range slices.Concat(lists...) {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// at is the path of an element of a list.
func at(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }
