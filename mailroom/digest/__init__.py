"""The digest: one mail a day into the Inbox about new senders who wait. It is never sent."""
