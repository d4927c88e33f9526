package connections

import (
	"cmp"
	"slices"
	"strings"
)

// SalesforceAt is the strategy and the login URL for an address of Salesforce's:
// an org's or a site's own, a page of it, or one of its endpoints. The strategy
// is the one that was chosen if the address fits it, else the one that it fits.
// The login URL is "" if it is the strategy's default. The error is a
// [vault.Invalid], which says what to paste instead.
func SalesforceAt(address, chosen string) (strategy, loginURL string, err error) {
	type kind struct {
		strategy string
		salesforceKind
	}
	rank := func(k kind) int {
		if k.strategy == chosen {
			return 0
		}
		return 1
	}
	kinds := []kind{{salesforce.Name, production}, {salesforceSandbox.Name, sandbox}, {salesforceCommunity.Name, site}}
	slices.SortStableFunc(kinds, func(a, b kind) int { return cmp.Compare(rank(a), rank(b)) })
	for _, k := range kinds {
		base, shared, problem := loginHost(address, k.salesforceKind)
		switch {
		case problem == nil && base == shared:
			return k.strategy, "", nil
		case problem == nil:
			return k.strategy, base, nil
		case strings.TrimSpace(address) == "":
			return "", "", problem
		case err == nil:
			err = problem // for the one that was chosen
		}
	}
	return "", "", err
}
