"""The tests of shellplay, on the real kernel; run them with pytest."""
