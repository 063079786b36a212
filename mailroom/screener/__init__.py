"""The domain: read labelled and new mail, decide on its senders, and file it.

Each room imports only from those to its right: overview, passes, suggest -> arrivals -> triage,
search -> model.
"""
