import os

# Those need a browser: `make browser` asks for them.
collect_ignore = [] if "REPRODUCE_BROWSER" in os.environ else ["browser"]
