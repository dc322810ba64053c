"""The machine at hand: processes and threads, devices, memory, and what is recorded of them."""
