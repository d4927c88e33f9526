package simulator

import "net/http"

// identity answers at the user's identity URL, which is also the subject of ID
// tokens. Each user has the one of their own.
func (s *Salesforce) identity(w http.ResponseWriter, r *http.Request) error {
	u, err := s.identify(r)
	if err != nil {
		return err
	}
	if id18(r.PathValue("org")) != u.org.ID {
		return errWrongOrg
	}
	if id18(r.PathValue("user")) != u.ID {
		return errBadID
	}
	h := hostOf(r)
	base := h.instance(u.org)
	writeJSON(w, http.StatusOK, struct {
		ID                   string  `json:"id"`
		AssertedUser         bool    `json:"asserted_user"`
		UserID               string  `json:"user_id"`
		OrganizationID       string  `json:"organization_id"`
		Username             string  `json:"username"`
		NickName             string  `json:"nick_name"`
		DisplayName          string  `json:"display_name"`
		Email                string  `json:"email"`
		EmailVerified        bool    `json:"email_verified"`
		FirstName            string  `json:"first_name"`
		LastName             string  `json:"last_name"`
		Timezone             string  `json:"timezone"`
		Photos               photos  `json:"photos"`
		Street               *string `json:"addr_street"`
		City                 *string `json:"addr_city"`
		State                *string `json:"addr_state"`
		Country              string  `json:"addr_country"`
		Zip                  *string `json:"addr_zip"`
		MobilePhone          *string `json:"mobile_phone"`
		MobilePhoneVerified  bool    `json:"mobile_phone_verified"`
		IsLightningLoginUser bool    `json:"is_lightning_login_user"`
		Status               struct {
			CreatedDate *string `json:"created_date"`
			Body        *string `json:"body"`
		} `json:"status"`
		URLs             any    `json:"urls"`
		Active           bool   `json:"active"`
		UserType         string `json:"user_type"`
		Language         string `json:"language"`
		Locale           string `json:"locale"`
		UTCOffset        int    `json:"utcOffset"` // milliseconds
		LastModifiedDate string `json:"last_modified_date"`
		IsAppInstalled   bool   `json:"is_app_installed"`
	}{
		ID: h.identityURL(u), AssertedUser: true, UserID: u.ID, OrganizationID: u.org.ID,
		Username: u.Username, NickName: u.nickname(), DisplayName: u.name(), Email: u.Email, EmailVerified: u.EmailVerified,
		FirstName: u.FirstName, LastName: u.LastName, Timezone: "Europe/London", Photos: photosOf(base), Country: "GB",
		URLs: urlsOf(base, u), Active: !u.Inactive, UserType: "STANDARD", Language: "en_US", Locale: "en_GB",
		LastModifiedDate: updatedAt.Format("2006-01-02T15:04:05.000+0000"), IsAppInstalled: true,
	})
	return nil
}

// urls are where else a user's data is found. "{version}" stands as it is, for
// the client to fill in.
type urls struct {
	Enterprise   string `json:"enterprise"`
	Metadata     string `json:"metadata"`
	Partner      string `json:"partner"`
	REST         string `json:"rest"`
	SObjects     string `json:"sobjects"`
	Search       string `json:"search"`
	Query        string `json:"query"`
	Recent       string `json:"recent"`
	ToolingSOAP  string `json:"tooling_soap"`
	ToolingREST  string `json:"tooling_rest"`
	Profile      string `json:"profile"`
	Feeds        string `json:"feeds"`
	Groups       string `json:"groups"`
	Users        string `json:"users"`
	FeedItems    string `json:"feed_items"`
	FeedElements string `json:"feed_elements"`
	CustomDomain string `json:"custom_domain"`
}

func urlsOf(base string, u member) urls {
	data, soap := base+"/services/data/v{version}", base+"/services/Soap/"
	return urls{
		Enterprise:   soap + "c/{version}/",
		Metadata:     soap + "m/{version}/",
		Partner:      soap + "u/{version}/",
		REST:         data + "/",
		SObjects:     data + "/sobjects/",
		Search:       data + "/search/",
		Query:        data + "/query/",
		Recent:       data + "/recent/",
		ToolingSOAP:  soap + "T/{version}/",
		ToolingREST:  data + "/tooling/",
		Profile:      base + "/" + u.ID,
		Feeds:        data + "/chatter/feeds",
		Groups:       data + "/chatter/groups",
		Users:        data + "/chatter/users",
		FeedItems:    data + "/chatter/feed-items",
		FeedElements: data + "/chatter/feed-elements",
		CustomDomain: base,
	}
}
