package kms

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
)

// credentials are those of this process, found as AWS's own libraries find them, in
// their order, but for a person's files in ~/.aws:
//
//   - AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
//   - the role AWS_ROLE_ARN for the token in AWS_WEB_IDENTITY_TOKEN_FILE, as in EKS
//   - the container's, as in ECS and by EKS Pod Identity
//   - the instance's, by the metadata service of EC2
func (k awsKey) credentials(ctx context.Context) (aws.Credentials, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	id, secret := os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY")
	relative, full := os.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"), os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	switch {
	case id != "" && secret != "":
		return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: os.Getenv("AWS_SESSION_TOKEN")}, nil
	case os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE") != "":
		return k.webIdentity(ctx)
	case relative != "":
		return containerCredentials(ctx, "http://169.254.170.2"+relative)
	case full != "":
		return containerCredentials(ctx, full)
	}
	c, err := ec2rolecreds.New().Retrieve(ctx)
	if err != nil {
		// The library's error says where it looked, and repeats what it was told.
		return c, errors.New("there are no credentials for AWS: give this machine or container a role, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY ('aws configure export-credentials --format env' prints those of a profile)")
	}
	return c, nil
}

// containerHosts serve credentials over http to the containers of ECS and EKS.
var containerHosts = []string{"169.254.170.2", "169.254.170.23", "fd00:ec2::23"}

func containerCredentials(ctx context.Context, address string) (aws.Credentials, error) {
	u, err := url.Parse(address)
	if err != nil || !slices.ContainsFunc(containerHosts, func(ip string) bool { return net.ParseIP(ip).Equal(net.ParseIP(u.Hostname())) }) {
		if err := checkEndpoint(address); err != nil {
			return aws.Credentials{}, fmt.Errorf("AWS_CONTAINER_CREDENTIALS_FULL_URI: %w", err)
		}
	}
	token := os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN")
	if file := os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return aws.Credentials{}, fmt.Errorf("read AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: %w", err)
		}
		token = string(b)
	}
	c, err := endpointcreds.New(address, func(o *endpointcreds.Options) { o.AuthorizationToken = token }).Retrieve(ctx)
	if err != nil {
		return c, fmt.Errorf("%w: %s gives no credentials of a role for AWS: has the task or the pod one?", ErrUnavailable, u.Host)
	}
	return c, nil
}

// webIdentity takes the role that AWS STS gives to the bearer of the token that
// Kubernetes wrote for this pod, by a request that takes no signature
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html).
func (k awsKey) webIdentity(ctx context.Context) (c aws.Credentials, err error) {
	token, err := os.ReadFile(os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE"))
	if err != nil {
		return c, fmt.Errorf("read AWS_WEB_IDENTITY_TOKEN_FILE: %w", err)
	}
	role := os.Getenv("AWS_ROLE_ARN")
	if role == "" {
		return c, errors.New("AWS_WEB_IDENTITY_TOKEN_FILE names no role: give its ARN in AWS_ROLE_ARN")
	}
	address, err := k.endpoint("sts")
	if err != nil {
		return c, err
	}
	form := url.Values{"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleArn": {role},
		"RoleSessionName": {cmp.Or(os.Getenv("AWS_ROLE_SESSION_NAME"), "sallyport")}, "WebIdentityToken": {strings.TrimSpace(string(token))}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return c, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, answer, err := send(req)
	if err != nil {
		return c, err
	}
	var said struct {
		Credentials struct{ AccessKeyId, SecretAccessKey, SessionToken string } `xml:"AssumeRoleWithWebIdentityResult>Credentials"`
		Error       struct{ Code, Message string }
	}
	if err := xml.Unmarshal(answer, &said); err != nil || status != http.StatusOK || said.Credentials.AccessKeyId == "" {
		return c, fmt.Errorf("AWS STS gives no credentials of the role %s (%d: %s %s): does the role trust the cluster's identity provider, and this service account?", role, status, said.Error.Code, oneLine(said.Error.Message))
	}
	return aws.Credentials{AccessKeyID: said.Credentials.AccessKeyId, SecretAccessKey: said.Credentials.SecretAccessKey, SessionToken: said.Credentials.SessionToken}, nil
}
