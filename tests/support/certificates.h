/*
 * Two certificates of their own with their keys, for tests only: valid for a
 * hundred years, for mail.example.test and other.example.test.
 */
#ifndef TESTS_SUPPORT_CERTIFICATES_H
#define TESTS_SUPPORT_CERTIFICATES_H

static const char mail_chain[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBrDCCAVOgAwIBAgIUMTYJt7pfHYIOkzLLfCdmK0zutRIwCgYIKoZIzj0EAwIw\n"
	"HDEaMBgGA1UEAwwRbWFpbC5leGFtcGxlLnRlc3QwIBcNMjYxMTI0MDgwNjQ3WhgP\n"
	"MjEyNjEwMzEwODA2NDdaMBwxGjAYBgNVBAMMEW1haWwuZXhhbXBsZS50ZXN0MFkw\n"
	"EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEez4DeZjr99u3pNDQbUT6nhIJNmnbtQy+\n"
	"Fp8GTGYANDvXxr4bNZAhpcqMdL9msaSAS0OjRHwbNw3a/p93zVtzFqNxMG8wHQYD\n"
	"VR0OBBYEFIvgWuHem2jAvF1VqnkUN4sJ10c5MB8GA1UdIwQYMBaAFIvgWuHem2jA\n"
	"vF1VqnkUN4sJ10c5MA8GA1UdEwEB/wQFMAMBAf8wHAYDVR0RBBUwE4IRbWFpbC5l\n"
	"eGFtcGxlLnRlc3QwCgYIKoZIzj0EAwIDRwAwRAIgKsVIJvyiz5KpVZp+GSRcM9hN\n"
	"yQ02avenckcqeMbwuXQCID5qS1jriQ03LaBzwSIaMftdTco0LIDWK3sryPskGKpG\n"
	"-----END CERTIFICATE-----\n";

static const char mail_key[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgP1SgpAixKbHwiE8q\n"
	"aCCykY1tyzE1qqJb7J1yALxV/AOhRANCAAR7PgN5mOv327ek0NBtRPqeEgk2adu1\n"
	"DL4WnwZMZgA0O9fGvhs1kCGlyox0v2axpIBLQ6NEfBs3Ddr+n3fNW3MW\n"
	"-----END PRIVATE KEY-----\n";

static const char other_chain[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBrzCCAVagAwIBAgIUVI8QURA7Y+w1OP1CeKV4ZdY9vtQwCgYIKoZIzj0EAwIw\n"
	"HTEbMBkGA1UEAwwSb3RoZXIuZXhhbXBsZS50ZXN0MCAXDTI2MTEyNDA4MDY0N1oY\n"
	"DzIxMjYxMDMxMDgwNjQ3WjAdMRswGQYDVQQDDBJvdGhlci5leGFtcGxlLnRlc3Qw\n"
	"WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASNimYWJiNxWOve9CBQmP+LKKfEKE+9\n"
	"Wd9BFwH6b0AYfrSGYVCXDfcOKwia07ATkV/MO7t5LoEcLWOdWP6jCQy1o3IwcDAd\n"
	"BgNVHQ4EFgQUKTwoLebU/Pg69C8aj2xz7PAH2qkwHwYDVR0jBBgwFoAUKTwoLebU\n"
	"/Pg69C8aj2xz7PAH2qkwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHREEFjAUghJvdGhl\n"
	"ci5leGFtcGxlLnRlc3QwCgYIKoZIzj0EAwIDRwAwRAIgXEQSgQODZnBfCdb57j+3\n"
	"8h5i85C4VwGydjOb/COL3lECIDqN4Xodk48to5HkuSCVkr/WTlCtK4nhgJCL9CqI\n"
	"ZRhv\n"
	"-----END CERTIFICATE-----\n";

static const char other_key[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgWw0NUNTeRF1JJXQu\n"
	"H6O3cJ1iiBa37UttK1dY98YrMDShRANCAASNimYWJiNxWOve9CBQmP+LKKfEKE+9\n"
	"Wd9BFwH6b0AYfrSGYVCXDfcOKwia07ATkV/MO7t5LoEcLWOdWP6jCQy1\n"
	"-----END PRIVATE KEY-----\n";

#endif
