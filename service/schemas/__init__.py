"""What the service says, as the OpenAPI document describes it: one file for each kind of thing."""
