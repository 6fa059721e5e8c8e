"""Ask a server over HTTP; nothing here loads torch."""
