"""One bash on a pty: start it, type lines, fork it, read and restore its state."""
