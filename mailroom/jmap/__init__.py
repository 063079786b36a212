"""A JMAP client (RFC 8620, 8621): session, requests, mail, push. Knows nothing of screening."""
