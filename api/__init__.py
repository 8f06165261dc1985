"""The HTTP face: one file per resource, schemas, authentication, the error-to-status table."""
