"""Categories, mailboxes, senders and their names, and the patches that file a mail. No I/O."""
