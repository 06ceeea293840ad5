"""Images: a local store in the OCI image layout, and ways into it, out of it and onto disk."""
