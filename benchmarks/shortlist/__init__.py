"""Shortlist indexes against the exact one: recall, memory and milliseconds, from ten thousand places to a million."""
