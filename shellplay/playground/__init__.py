"""All containers of one run, and the processes that serve them."""
