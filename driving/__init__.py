"""The app as its visitors have it: the real server and a real browser. Tests and benchmarks share it."""
