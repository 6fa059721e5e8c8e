"""Clients that ask a server over HTTP; nothing here loads torch."""
