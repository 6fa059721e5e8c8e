"""Hold the answers of the service, as the OpenAPI document describes them: one file for each kind of resource."""
