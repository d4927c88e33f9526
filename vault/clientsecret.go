package vault

import (
	"slices"
	"time"
)

// RotateSecret has the client authenticate with the secret of a hash in place of
// its newest, which is good beside it if it is kept: until [Client.EndPreviousSecret],
// or the next rotation.
func (c *Client) RotateSecret(hash string, keepPrevious bool, now time.Time) error {
	if len(c.SecretHashes) == 0 {
		return &Invalid{"client_secret", "is not what this client authenticates with"}
	}
	since := map[string]time.Time{hash: now}
	hashes := []string{hash}
	if before := c.SecretHashes[0]; keepPrevious {
		hashes = append(hashes, before)
		if t, ok := c.SecretsSince[before]; ok {
			since[before] = t
		}
	}
	c.SecretHashes, c.SecretsSince = hashes, since
	return nil
}

// EndPreviousSecret leaves the client its newest secret alone.
func (c *Client) EndPreviousSecret() {
	if len(c.SecretHashes) > 1 {
		c.SecretHashes = slices.Clone(c.SecretHashes[:1])
	}
}
