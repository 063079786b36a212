"""JSContact Cards (RFC 9553): reading them, and changing what Mailroom may change. Pure."""
