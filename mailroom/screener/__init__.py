"""The domain: read labelled and new mail, decide on its senders, and file it.

Each folder imports only from folders to its right: overview, passes, suggest -> arrivals -> triage,
search -> model.
"""
