"""The program: one file for each verb of its command line."""
