"""Fuzzing: everything that reads what others have made gets broken input, and may only refuse it."""
