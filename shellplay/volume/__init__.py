"""Named and anonymous volumes: directories of the user that outlive a container."""
