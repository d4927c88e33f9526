package admin

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"sallyport/connections"
	"sallyport/vault"
)

// makeCertificate makes the certificate by which the gateway signs assertions to
// Salesforce, or the next one. It is not drafted: until Salesforce takes the next
// one, the one before signs.
func (p *Pages) makeCertificate(c echo.Context, v visitor) error {
	name := c.Param("name")
	next, err := connections.NewCertificate(name, p.Now()) // takes its time: not in the transaction
	if err != nil {
		return err
	}
	err = p.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		f, err := find(tx, name)
		if err != nil {
			return err
		}
		before := f.live
		if !f.published {
			before = f.draft
		}
		if err := connections.CheckCertifiable(before); err != nil {
			return &Refused{Status: http.StatusConflict, Title: "It needs no certificate", Message: "A connection of the strategy " + before.Strategy + " signs nothing by a certificate.", Err: err}
		}
		if before.CertificateWaits() {
			return nil // the next one has been made already
		}
		after := before.WithCertificate(next)
		if !f.published {
			f.saved.Connection = after
			err = tx.Drafts.Put(f.saved)
		} else {
			err = tx.Connections.Put(after)
		}
		if err != nil {
			return err
		}
		return p.changed(tx, v, "certificate "+next.ID+" of connection "+name, nil, nil)
	})
	if err != nil {
		return err
	}
	return toConnection(c, name, "certificate")
}

// certificate is a certificate in PEM, to be uploaded.
func (p *Pages) certificate(c echo.Context, _ visitor) error {
	f, err := p.found(c)
	if err != nil {
		return err
	}
	shown := f.shown()
	i := slices.IndexFunc(shown.Certificates, func(cert vault.Certificate) bool { return cert.ID == c.Param("id") })
	if i < 0 {
		return &Refused{Status: http.StatusNotFound, Title: "There is no such certificate", Message: "It was replaced, or is another connection's."}
	}
	return download(c, shown.Name+".crt", "application/x-x509-ca-cert", []byte(shown.Certificates[i].PEM))
}
