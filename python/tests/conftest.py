"""What all tests need."""

import signal

# A shell that starts something in the background has it ignore Ctrl-C, and what a process ignores its children ignore: then these tests would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)
