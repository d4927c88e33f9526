package vault

// NotifyAccount has webhooks told of a connected account, under a message ID.
func (tx *Tx) NotifyAccount(id string, t MessageType, ts TokenSet) error {
	data, err := tx.accountMessage(ts)
	if err != nil {
		return err
	}
	return tx.Notify(Message{ID: id, Type: t, Data: data})
}

// notifyEnded has webhooks told that a grant has ended: no refresh can help any
// more, and its user has to connect again.
func (tx *Tx) notifyEnded(id string, ts TokenSet) error {
	data, err := tx.accountMessage(ts)
	if err != nil {
		return err
	}
	data.Reason, data.Message = string(Reauthorize), ts.Refusal.Why
	if ts.Refusal.Quarantine {
		data.Reason = string(Quarantined)
	}
	data.Action = "The user has to connect the account again: by signing in with this connection, or by the reconnect_uri of a refused exchange."
	if data.User == "" {
		data.Action = "The account is the connection's own: see what the identity provider says, and mend it there or in the connection's settings."
	}
	return tx.Notify(Message{ID: id, Type: GrantEnded, Data: data})
}

func (tx *Tx) accountMessage(ts TokenSet) (AccountMessage, error) {
	m := AccountMessage{Connection: ConnectionOf(ts.Identity), Account: ts.ID}
	i, err := tx.Identities.Get(ts.Identity)
	if found, err := Exists(err); !found {
		return m, err
	}
	m.User, m.Subject = i.User, i.UserID
	return m, nil
}
