#include "common/told_peer.h"

#include "common/address.h"

#include <string.h>

bool told_peer_address(struct told_peer *t, struct slice value)
{
	char text[sizeof t->address];
	struct buf out = { text, 0, sizeof text - 1, sizeof text - 1 };

	if (address_ip(value, &out) != ST_OK)
		return false;
	text[out.len] = '\0';
	memcpy(t->address, text, out.len + 1);
	t->is_told = true;
	return true;
}

bool told_peer_port(struct told_peer *t, struct slice value)
{
	unsigned long long number;

	if (!slice_number(value, UINT16_MAX, &number))
		return false;
	t->port = (uint16_t)number;
	return true;
}

bool told_peer_session(struct told_peer *t, struct slice value)
{
	if (value.len == 0 || value.len > TOLD_SESSION_MAX)
		return false;
	for (size_t i = 0; i < value.len; i++)
		if (value.data[i] < 0x21 || value.data[i] > 0x7e)
			return false;
	memcpy(t->session, value.data, value.len);
	t->session[value.len] = '\0';
	return true;
}

struct peer_info told_peer_of(const struct told_peer *t, const struct peer_info *actual)
{
	struct peer_info peer = *actual;

	if (!t->is_told)
		return peer;
	memcpy(peer.address, t->address, sizeof peer.address);
	peer.port = t->port;
	peer.is_trusted = false;
	peer.client_certificate = peer.tls_exporter = peer.tls_end_point = SLICE_EMPTY;
	return peer;
}
