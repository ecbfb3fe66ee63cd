package auth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
)

// Unreached says in a few words why a request got no answer. It quotes nothing
// of the error, which holds addresses.
func Unreached(err error) string {
	var (
		dns      *net.DNSError
		rejected *tls.CertificateVerificationError
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		timeout  net.Error
	)
	switch {
	case errors.As(err, &dns):
		return "its name cannot be resolved"
	case errors.As(err, &rejected), errors.As(err, &unknown), errors.As(err, &hostname), errors.As(err, &invalid):
		return "its certificate is not the right one, or not trusted here"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "it did not answer in time"
	default:
		return "the connection failed"
	}
}
