"""Faults on purpose: every stage is killed, starved and given damaged files, and has to say so and go on."""
