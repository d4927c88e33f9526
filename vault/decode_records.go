package vault

func (g *Grant) field(name string, r *reader) bool {
	switch name {
	case "ID":
		g.ID = r.text()
	case "SecretHash":
		g.SecretHash = r.text()
	case "Previous":
		g.Previous = r.text()
	case "Replaced":
		g.Replaced = r.time()
	case "DPoPKey":
		g.DPoPKey = r.text()
	case "Client":
		g.Client = r.text()
	case "User":
		g.User = r.text()
	case "SID":
		g.SID = r.text()
	case "Identity":
		g.Identity = r.text()
	case "Consent":
		g.Consent = r.text()
	case "Scopes":
		g.Scopes = r.texts()
	case "Audience":
		g.Audience = r.text()
	case "Claims":
		g.Claims = r.text()
	case "AuthTime":
		g.AuthTime = r.time()
	case "Created":
		g.Created = r.time()
	case "Used":
		g.Used = r.time()
	case "Expires":
		g.Expires = r.time()
	default:
		return false
	}
	return true
}

func (t *AccessToken) field(name string, r *reader) bool {
	switch name {
	case "Hash":
		t.Hash = r.text()
	case "Grant":
		t.Grant = r.text()
	case "Client":
		t.Client = r.text()
	case "User":
		t.User = r.text()
	case "Scopes":
		t.Scopes = r.texts()
	case "DPoPKey":
		t.DPoPKey = r.text()
	case "Expires":
		t.Expires = r.time()
	default:
		return false
	}
	return true
}

func (u *User) field(name string, r *reader) bool {
	switch name {
	case "ID":
		u.ID = r.text()
	case "Profile":
		r.fields(&u.Profile)
	case "Identities":
		u.Identities = r.texts()
	case "Blocked":
		u.Blocked = r.bool()
	case "Created":
		u.Created = r.time()
	case "Updated":
		u.Updated = r.time()
	case "LastLogin":
		u.LastLogin = r.time()
	case "Logins":
		u.Logins = r.int()
	default:
		return false
	}
	return true
}

func (p *Profile) field(name string, r *reader) bool {
	switch name {
	case "Name":
		p.Name = r.text()
	case "GivenName":
		p.GivenName = r.text()
	case "FamilyName":
		p.FamilyName = r.text()
	case "Nickname":
		p.Nickname = r.text()
	case "Username":
		p.Username = r.text()
	case "Email":
		p.Email = r.text()
	case "EmailVerified":
		p.EmailVerified = r.bool()
	case "Picture":
		p.Picture = r.text()
	case "Locale":
		p.Locale = r.text()
	case "Zoneinfo":
		p.Zoneinfo = r.text()
	default:
		return false
	}
	return true
}

func (i *Identity) field(name string, r *reader) bool {
	switch name {
	case "Connection":
		i.Connection = r.text()
	case "Subject":
		i.Subject = r.text()
	case "Strategy":
		i.Strategy = r.text()
	case "UserID":
		i.UserID = r.text()
	case "Org":
		i.Org = r.text()
	case "Qualified":
		i.Qualified = r.bool()
	case "Profile":
		r.fields(&i.Profile)
	case "User":
		i.User = r.text()
	case "Created":
		i.Created = r.time()
	default:
		return false
	}
	return true
}

func (t *TokenSet) field(name string, r *reader) bool {
	switch name {
	case "Identity":
		t.Identity = r.text()
	case "ID":
		t.ID = r.text()
	case "AccessToken":
		t.AccessToken = r.secret()
	case "RefreshToken":
		t.RefreshToken = r.secret()
	case "IDToken":
		t.IDToken = r.secret()
	case "Scopes":
		t.Scopes = r.texts()
	case "Issued":
		t.Issued = r.time()
	case "Expires":
		t.Expires = r.time()
	case "Params":
		t.Params = r.params()
	case "Rotation":
		t.Rotation = Rotation(r.text())
	case "Attempt":
		if !r.null() {
			t.Attempt = &Attempt{}
			r.fields(t.Attempt)
		}
	case "Refusal":
		if !r.null() {
			t.Refusal = &Refusal{}
			r.fields(t.Refusal)
		}
	case "Created":
		t.Created = r.time()
	case "Approved":
		t.Approved = r.times()
	case "Generation":
		t.Generation = r.int()
	case "Disconnected":
		t.Disconnected = r.bool()
	case "Mark":
		t.Mark = r.text()
	default:
		return false
	}
	return true
}

func (a *Attempt) field(name string, r *reader) bool {
	switch name {
	case "ID":
		a.ID = r.text()
	case "Until":
		a.Until = r.time()
	case "Ended":
		a.Ended = r.bool()
	case "Unheard":
		a.Unheard = r.bool()
	case "Restored":
		a.Restored = r.bool()
	default:
		return false
	}
	return true
}

func (f *Refusal) field(name string, r *reader) bool {
	switch name {
	case "At":
		f.At = r.time()
	case "Why":
		f.Why = r.text()
	case "Quarantine":
		f.Quarantine = r.bool()
	default:
		return false
	}
	return true
}
